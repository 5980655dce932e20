// Kernels for AVX2 with FMA; compiled on x86-64 by GCC and Clang.
#include "onnx/kernels_x86.h"

#if defined(KOEMORPH_X86_KERNELS)
#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

namespace koemorph::onnx::avx2 {
namespace {

constexpr int kWidth = 8;
constexpr int kMaxRows = 6;
typedef float V __attribute__((vector_size(32)));
typedef uint32_t I __attribute__((vector_size(32)));
typedef int32_t M __attribute__((vector_size(32)));
inline V select(M mask, V yes, V no) { return mask ? yes : no; }
// The second operand where either is NaN.
inline V minimum(V a, V b) { return (V)_mm256_min_ps((__m256)a, (__m256)b); }
inline V maximum(V a, V b) { return (V)_mm256_max_ps((__m256)a, (__m256)b); }
inline V multiply_add(V a, V b, V c) { return (V)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c); }

#define KOEMORPH_DOT4
// Widened to 16 bits, so that no sum of two products saturates.
inline void integer_panel(const uint8_t* a, const int8_t* b, int64_t groups, int32_t* sums) {
  __m256i sum[4];
  for (__m256i& each : sum) each = _mm256_setzero_si256();
  for (int64_t g = 0; g < groups; ++g) {
    int32_t four;
    __builtin_memcpy(&four, a + 4 * g, sizeof four);
    const __m256i x = _mm256_cvtepu8_epi16(_mm_set1_epi32(four));
    for (int part = 0; part < 4; ++part) {
      const auto* source = reinterpret_cast<const __m128i*>(b + 64 * g + 16 * part);
      const __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128(source));
      sum[part] = _mm256_add_epi32(sum[part], _mm256_madd_epi16(x, y));
    }
  }
  for (int part = 0; part < 4; ++part) {
    int32_t pairs[8];
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(pairs), sum[part]);
    for (int j = 0; j < 4; ++j) sums[4 * part + j] = pairs[2 * j] + pairs[2 * j + 1];
  }
}

#include "onnx/kernels_body.h"
#undef KOEMORPH_DOT4

}  // namespace

const Kernels kKernels = {"avx2", map, gemm, integer_gemm, reduce, accumulate, quantize};

}  // namespace koemorph::onnx::avx2

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
