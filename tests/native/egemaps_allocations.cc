// Prints the memory of an eGeMAPS stage with default settings, and its number of allocations while
// it runs.
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <new>
#include <vector>

#include "egemaps/egemaps.h"

namespace {
long allocations = 0;
long bytes = 0;
}  // namespace

void* operator new(std::size_t size) {
  ++allocations;
  bytes += static_cast<long>(size);
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  std::vector<float> voice(25 * 16000);
  for (size_t i = 0; i < voice.size(); ++i) {
    const double time = static_cast<double>(i) / 16000.0;
    for (int k = 1; k < 10; ++k) {
      voice[i] += static_cast<float>(0.1 / k * std::sin(k * (840.0 * time + std::sin(3.0 * time))));
    }
  }
  std::vector<float> out(koemorph::kFunctionalCount + koemorph::kLldCount);
  const koemorph::EgemapsConfig config;
  bytes = 0;
  koemorph::EgemapsStream stage(config);
  const long stage_bytes = bytes + static_cast<long>(sizeof(stage));
  allocations = 0;
  for (size_t at = 0; at < voice.size();) {
    at += static_cast<size_t>(stage.push(voice.data() + at, static_cast<int>(voice.size() - at)));
  }
  stage.functionals(out.data());
  stage.lld(stage.rows() - 1, 1, out.data());
  stage.reset();
  std::printf("%ld %ld %f\n", stage_bytes, allocations, static_cast<double>(out[0]));
}
