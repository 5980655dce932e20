// The reference: one value at a time, on every compiler. Also the choice among the sets.
#include <cmath>
#include <cstring>

#include "onnx/kernels_x86.h"

#if defined(_MSC_VER) && !defined(__clang__)
#define __builtin_memcpy std::memcpy
#define __builtin_logf std::log
#define __builtin_sqrtf std::sqrt
#define __builtin_tanhf std::tanh
#define __builtin_truncf std::trunc
#define __builtin_floorf std::floor
#define __builtin_inff() HUGE_VALF
#endif

namespace koemorph::onnx {
namespace scalar {
namespace {

constexpr int kWidth = 1;
constexpr int kMaxRows = 4;
using V = float;
using I = uint32_t;
using M = bool;
inline V select(M mask, V yes, V no) { return mask ? yes : no; }
// The second operand where either is NaN.
inline V minimum(V a, V b) { return select(a < b, a, b); }
inline V maximum(V a, V b) { return select(a > b, a, b); }
inline V multiply_add(V a, V b, V c) { return a * b + c; }

#include "onnx/kernels_body.h"

}  // namespace

const Kernels kKernels = {"scalar", map, gemm, integer_gemm, reduce, accumulate, quantize};

}  // namespace scalar

const Kernels* const* available_kernels(int* count) {
  struct List {
    const Kernels* sets[4] = {};
    int count = 0;
    List() {
#if defined(KOEMORPH_X86_KERNELS)
      __builtin_cpu_init();
      if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
          __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl") &&
          __builtin_cpu_supports("avx512vnni")) {
        sets[count++] = &avx512::kKernels;
      }
      if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) {
        sets[count++] = &avx2::kKernels;
      }
#endif
#if defined(__GNUC__) || defined(__clang__)
      sets[count++] = &baseline::kKernels;
#endif
      sets[count++] = &scalar::kKernels;
    }
  };
  static const List list;
  *count = list.count;
  return list.sets;
}

}  // namespace koemorph::onnx
