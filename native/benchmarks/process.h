// Memory and CPU time of this process.
#pragma once

#include <cstdint>

namespace koemorph {

// Number of allocations by this thread so far; only if counts_allocations().
uint64_t allocations();
bool counts_allocations();

// Resident memory now and its peak, in bytes; 0 where the system does not report it.
int64_t resident_bytes();
int64_t peak_bytes();

// Returns freed memory to the system, so that the next allocations are counted.
void release_free_memory();

// CPU time of this thread in seconds; below 0 where the system does not report it.
double thread_processor_seconds();

}  // namespace koemorph
