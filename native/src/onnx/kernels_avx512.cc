// Kernels for AVX-512; compiled on x86-64 by GCC and Clang.
#include "onnx/kernels_x86.h"

#if defined(KOEMORPH_X86_KERNELS)
#if defined(__clang__)
#pragma clang attribute push(                                                          \
    __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma"))), \
    apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512dq,avx512vl,avx512vnni,avx2,fma,prefer-vector-width=512")
#endif

namespace koemorph::onnx::avx512 {
namespace {

constexpr int kWidth = 16;
constexpr int kMaxRows = 14;
#define KOEMORPH_MANY_ROWS
typedef float V __attribute__((vector_size(64)));
typedef uint32_t I __attribute__((vector_size(64)));
typedef int32_t M __attribute__((vector_size(64)));
inline V select(M mask, V yes, V no) { return mask ? yes : no; }
// The second operand where either is NaN.
inline V minimum(V a, V b) { return (V)_mm512_min_ps((__m512)a, (__m512)b); }
inline V maximum(V a, V b) { return (V)_mm512_max_ps((__m512)a, (__m512)b); }
inline V multiply_add(V a, V b, V c) { return (V)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c); }

#define KOEMORPH_DOT4
inline void integer_panel(const uint8_t* a, const int8_t* b, int64_t groups, int32_t* sums) {
  __m512i sum = _mm512_setzero_si512();
  for (int64_t g = 0; g < groups; ++g) {
    int32_t four;
    __builtin_memcpy(&four, a + 4 * g, sizeof four);
    sum = _mm512_dpbusd_epi32(sum, _mm512_set1_epi32(four), _mm512_loadu_si512(b + 64 * g));
  }
  _mm512_storeu_si512(sums, sum);
}

#include "onnx/kernels_body.h"
#undef KOEMORPH_DOT4
#undef KOEMORPH_MANY_ROWS

}  // namespace

const Kernels kKernels = {"avx512", map, gemm, integer_gemm, reduce, accumulate, quantize};

}  // namespace koemorph::onnx::avx512

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif
#endif
