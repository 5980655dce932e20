#include "util/dot.h"

#include "util/multiversion.h"

namespace koemorph {

KOEMORPH_TARGET_CLONES("avx512f", "avx2")
float dot(const float* a, const float* b, int n) {
  // Sixteen independent sums: the compiler must not reorder a single sum, so it could not
  // vectorize.
  constexpr int kSums = 16;
  float lanes[kSums] = {};
  int i = 0;
  for (; i + kSums <= n; i += kSums) {
    for (int lane = 0; lane < kSums; ++lane) lanes[lane] += a[i + lane] * b[i + lane];
  }
  for (int lane = 0; i < n; ++i, ++lane) lanes[lane] += a[i] * b[i];
  for (int width = kSums / 2; width > 0; width /= 2) {
    for (int lane = 0; lane < width; ++lane) lanes[lane] += lanes[lane + width];
  }
  return lanes[0];
}

}  // namespace koemorph
