// Steps of a program, bound to memory and to a number of streams.
#pragma once

#include "onnx/loop.h"

namespace koemorph::onnx {

// A step with pointers for views and numbers for extents.
struct BoundStep {
  Loop loop;     // kMap: all but the innermost; kReduce: the axes that stay; kGemm: all but rows
  Loop reduced;  // kReduce: the axes that go
  float* address[kMaxOperands] = {};
  int64_t per_stream[kMaxOperands] = {};  // of inputs and outputs: from a stream to the next
  int64_t count = 0;                      // elements of the innermost loop or of the whole output
  // kMap
  MapCall map = {};
  int64_t stride[kMaxOperands] = {};  // of the innermost loop
  bool scattered = false;             // a stride is neither 0 nor 1
  // kGemm
  GemmCall gemm = {};
  int64_t b_row = 0, b_column = 0;
  bool packs_b = false;
  // kIntegerGemm
  IntegerGemmCall integer = {};

  // Where operand k of the streams from `first` on is.
  float* at(int k, int first) const { return address[k] + first * per_stream[k]; }
};

void bind_step(const Program& program, const Step& step, const std::vector<void*>& addresses,
               float* scratch, int count, BoundStep* out);
// first: the number of the first of the streams, which inputs and outputs have more of.
void run_step(const Kernels& kernels, const Step& step, const BoundStep& bound, int first);

}  // namespace koemorph::onnx
