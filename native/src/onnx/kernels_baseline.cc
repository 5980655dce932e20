// Kernels for vectors of four floats, which SSE2, NEON and WebAssembly SIMD have.
#include "onnx/kernels_x86.h"

#if defined(__GNUC__) || defined(__clang__)
#define KOEMORPH_VECTOR_EXTENSIONS
#endif
#if defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(KOEMORPH_VECTOR_EXTENSIONS)
namespace koemorph::onnx::baseline {
namespace {

constexpr int kWidth = 4;
typedef float V __attribute__((vector_size(16)));
typedef uint32_t I __attribute__((vector_size(16)));
typedef int32_t M __attribute__((vector_size(16)));
inline V select(M mask, V yes, V no) { return mask ? yes : no; }
// The second operand where either is NaN.
inline V minimum(V a, V b) { return select(a < b, a, b); }
inline V maximum(V a, V b) { return select(a > b, a, b); }
#if defined(__aarch64__)
constexpr int kMaxRows = 6;
inline V multiply_add(V a, V b, V c) {
  return (V)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
}
#else
constexpr int kMaxRows = 3;
inline V multiply_add(V a, V b, V c) { return a * b + c; }
#endif

#include "onnx/kernels_body.h"

}  // namespace

const Kernels kKernels = {"baseline", map, gemm, integer_gemm, reduce, accumulate, quantize};

}  // namespace koemorph::onnx::baseline
#endif
