// Loops over the elements that several views address together.
#pragma once

#include "onnx/program.h"

namespace koemorph::onnx {

// Nested loops, outermost first, with the stride of each operand. Adjacent loops that can be one
// are one.
struct Loop {
  int rank = 0;
  int64_t extent[kMaxRank];
  int64_t stride[kMaxRank][kMaxOperands];

  // Adds a loop inside the others.
  void push(int64_t size, const int64_t* strides, int operands) {
    if (size == 1) return;
    bool joins = rank > 0;
    for (int k = 0; joins && k < operands; ++k) joins = stride[rank - 1][k] == strides[k] * size;
    const int at = joins ? rank - 1 : rank++;
    extent[at] = joins ? extent[at] * size : size;
    for (int k = 0; k < operands; ++k) stride[at][k] = strides[k];
  }
};

// Adds to `loop` axis `axis` of views of one shape.
inline void push_axis(Loop* loop, const std::vector<View>& views, int operands, size_t axis,
                      int64_t count) {
  int64_t strides[kMaxOperands];
  for (int k = 0; k < operands; ++k) strides[k] = views[k].strides[axis].at(count);
  loop->push(views[0].shape[axis].at(count), strides, operands);
}

// Calls visit(offsets) for each iteration of the first `depth` loops; offsets[k] is that of
// operand k, to which `offsets` as given is the start.
template <typename Visit>
void for_each(const Loop& loop, int depth, int operands, const int64_t* start, const Visit& visit) {
  int64_t offsets[kMaxOperands] = {};
  int64_t index[kMaxRank] = {};
  for (int k = 0; k < operands; ++k) offsets[k] = start[k];
  for (int d = 0; d < depth; ++d) {
    if (loop.extent[d] == 0) return;
  }
  for (;;) {
    visit(offsets);
    int d = depth - 1;
    for (; d >= 0; --d) {
      for (int k = 0; k < operands; ++k) offsets[k] += loop.stride[d][k];
      if (++index[d] < loop.extent[d]) break;
      for (int k = 0; k < operands; ++k) offsets[k] -= loop.extent[d] * loop.stride[d][k];
      index[d] = 0;
    }
    if (d < 0) return;
  }
}

}  // namespace koemorph::onnx
