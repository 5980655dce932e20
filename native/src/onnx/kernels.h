// The inner loops of the evaluator, compiled once for each instruction set.
#pragma once

#include <cstddef>
#include <cstdint>

namespace koemorph::onnx {

// Constant matrices are packed in panels of this many columns, each padded with zeros.
constexpr int kPanel = 16;
// Rows of a matrix product that are packed together; 28 is two tiles of the widest unit.
constexpr int kPackedRows = 28;
constexpr int kMaxOperands = 8;
// Of matrices and of the memory of a session: a cache line.
constexpr size_t kAlignment = 64;

// One operation of an elementwise chain on its running value x, with operands a and b.
enum class Op : uint8_t {
  kAbs,
  kNegate,
  kExp,
  kLog,
  kSqrt,
  kSigmoid,
  kSilu,
  kTanh,
  kRelu,
  kSign,
  kReciprocal,
  kNot,
  kTruncate,
  kIsNonzero,
  kFloor,
  kAdd,
  kSubtract,
  kSubtractFrom,
  kMultiply,
  kDivide,
  kDivideInto,
  kMax,
  kMin,
  kGreater,
  kLess,
  kGreaterEqual,
  kLessEqual,
  kEqual,
  kAnd,
  kOr,
  kClip,         // min(max(x, a), b)
  kSelect,       // x != 0 ? a : b
  kSelectTrue,   // a != 0 ? x : b
  kSelectFalse,  // a != 0 ? b : x
};

// a, b: operand numbers; 0 is the output.
struct MapOp {
  Op op = Op::kAdd;
  uint8_t a = 0;
  uint8_t b = 0;
};

// out[i] = the chain applied to in[1][i]; in[k] is read at i, or at 0 where !varies[k].
struct MapCall {
  const MapOp* ops;
  int op_count;
  float* out;
  const float* in[kMaxOperands];
  bool varies[kMaxOperands];
  int64_t count;
};

// c = a * b (+ c0). Row r and column k of a are at a[r * a_row + k * a_column]; row k of panel p
// of b is at b + p * b_panel + k * b_row; rows of c and c0 are contiguous. c0 may be NULL.
struct GemmCall {
  int64_t m, n, k;
  const float* a;
  int64_t a_row, a_column;
  const float* b;
  int64_t b_row, b_panel;
  const float* c0;
  int64_t c0_row;
  float* c;
  int64_t c_row;
  float* scratch;  // kPackedRows * k floats
};

// c = (a - a_zero) * (b - b_zero), exact in 32-bit integers, then converted to float. b is packed
// by groups of four rows: panel p, group g, column j, row r at ((p * groups + g) * 16 + j) * 4 + r.
struct IntegerGemmCall {
  int64_t m, n, k;
  const uint8_t* a;  // rows of k elements
  const int8_t* b;
  const int32_t* b_sums;  // of each column; padded to whole panels
  const int32_t* b_zero;  // of each column; padded
  int32_t a_zero;
  float* c;
  int64_t c_row;
};

enum class Reduce : uint8_t { kSum, kMax, kMin };

struct Kernels {
  const char* name;
  void (*map)(const MapCall&);
  void (*gemm)(const GemmCall&);
  void (*integer_gemm)(const IntegerGemmCall&);
  // The sum, maximum or minimum of n > 0 contiguous values.
  float (*reduce)(Reduce, const float* in, int64_t n);
  // out[i] = sum, maximum or minimum of out[i] and in[i].
  void (*accumulate)(Reduce, float* out, const float* in, int64_t n);
  // out[i] = saturate(round(in[i] / scale) + zero) to 0..255
  void (*quantize)(const float* in, int64_t n, float scale, float zero, uint8_t* out);
};

// The sets that this processor can run, best first; the last is the scalar reference.
const Kernels* const* available_kernels(int* count);
inline const Kernels& best_kernels() {
  int count = 0;
  return *available_kernels(&count)[0];
}

namespace avx512 {
extern const Kernels kKernels;
}
namespace avx2 {
extern const Kernels kKernels;
}
namespace baseline {
extern const Kernels kKernels;
}
namespace scalar {
extern const Kernels kKernels;
}

}  // namespace koemorph::onnx
