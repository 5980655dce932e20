#include "process.h"

#include <cstdio>
#include <cstdlib>

#if defined(__linux__)
#include <unistd.h>
#endif

#if defined(__GLIBC__)
namespace {
thread_local uint64_t count = 0;
}  // namespace

// glibc lets a program replace malloc and still reach the original.
extern "C" {
void* __libc_malloc(size_t);
void* __libc_calloc(size_t, size_t);
void* __libc_realloc(void*, size_t);
void* __libc_memalign(size_t, size_t);

void* malloc(size_t size) {
  ++count;
  return __libc_malloc(size);
}
void* calloc(size_t items, size_t size) {
  ++count;
  return __libc_calloc(items, size);
}
void* realloc(void* memory, size_t size) {
  ++count;
  return __libc_realloc(memory, size);
}
void* aligned_alloc(size_t alignment, size_t size) {
  ++count;
  return __libc_memalign(alignment, size);
}
int posix_memalign(void** out, size_t alignment, size_t size) {
  ++count;
  *out = __libc_memalign(alignment, size);
  return *out == nullptr ? 12 : 0;
}
}
#endif

namespace koemorph {

#if defined(__GLIBC__)
uint64_t allocations() { return count; }
bool counts_allocations() { return true; }
#else
uint64_t allocations() { return 0; }
bool counts_allocations() { return false; }
#endif

int64_t resident_bytes() {
#if defined(__linux__)
  long pages = 0;
  std::FILE* file = std::fopen("/proc/self/statm", "r");
  if (file == nullptr) return 0;
  const int found = std::fscanf(file, "%*s %ld", &pages);
  std::fclose(file);
  return found == 1 ? static_cast<int64_t>(pages) * sysconf(_SC_PAGESIZE) : 0;
#else
  return 0;
#endif
}

}  // namespace koemorph
