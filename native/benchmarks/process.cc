#include "process.h"

#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>

#if defined(__GLIBC__)
#include <malloc.h>

namespace {
thread_local uint64_t count = 0;
}  // namespace

// glibc allows a program to replace malloc and call the original.
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
void release_free_memory() { malloc_trim(0); }
#else
uint64_t allocations() { return 0; }
bool counts_allocations() { return false; }
void release_free_memory() {}
#endif

#if defined(__linux__)
namespace {

// A line of /proc/self/status, in kB. Not getrusage: its peak includes the parent process.
int64_t status_bytes(const char* name) {
  std::ifstream file("/proc/self/status");
  std::string word;
  int64_t kilobytes = 0;
  while (file >> word) {
    if (word == name && file >> kilobytes) return 1024 * kilobytes;
  }
  return 0;
}

}  // namespace

int64_t resident_bytes() { return status_bytes("VmRSS:"); }
int64_t peak_bytes() { return status_bytes("VmHWM:"); }
#else
int64_t resident_bytes() { return 0; }
int64_t peak_bytes() { return 0; }
#endif

#if defined(CLOCK_THREAD_CPUTIME_ID)
double thread_processor_seconds() {
  timespec now{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}
#else
double thread_processor_seconds() { return -1.0; }
#endif

}  // namespace koemorph
