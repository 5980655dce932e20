// What the operating system and the C library know of this process.
#pragma once

#include <cstdint>

namespace koemorph {

// Calls of malloc and its kin by this thread so far; only where counts_allocations().
uint64_t allocations();
bool counts_allocations();

// Bytes in memory now, and the most there have been; 0 where the system does not tell.
int64_t resident_bytes();
int64_t peak_bytes();

// Gives memory that was freed back to the system, so that what comes next is counted whole.
void release_free_memory();

// Seconds that this thread has had a processor; below 0 where the system does not tell.
double thread_processor_seconds();

}  // namespace koemorph
