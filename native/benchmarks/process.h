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

}  // namespace koemorph
