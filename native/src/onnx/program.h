// What a graph is planned into: a list of steps over views of buffers.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "onnx/file.h"
#include "onnx/kernels.h"

namespace koemorph::onnx {

// An extent, stride or integer of a shape: a constant, or a constant times the number of streams.
struct Dim {
  int64_t scale = 1;
  bool batch = false;
  int64_t at(int64_t count) const { return batch ? scale * count : scale; }
  bool operator==(const Dim& other) const { return scale == other.scale && batch == other.batch; }
  bool operator!=(const Dim& other) const { return !(*this == other); }
};
using Shape = std::vector<Dim>;

// A strided part of a buffer; offset and strides in elements.
struct View {
  int buffer = -1;
  int64_t offset = 0;
  int64_t offset_batch = 0;  // times the number of streams
  Shape shape;
  Shape strides;
};

struct Buffer {
  Dim size;
  bool bytes = false;         // uint8 instead of float
  bool persistent = false;    // an input or output: never shares its memory
  int constant = -1;          // index of Program::constants
  int first = -1, last = -1;  // steps that write it first and use it last
};

// A packed constant matrix, aligned to 64 bytes.
struct PackedMatrix {
  int64_t rows = 0, columns = 0;
  std::vector<float> storage;
  const float* data = nullptr;
  // Of integer products instead:
  std::vector<int8_t> bytes;
  std::vector<int32_t> sums, zeros;
};

struct Step {
  enum Kind : uint8_t { kMap, kReduce, kGemm, kQuantize, kIntegerGemm, kBranch, kJump };
  Kind kind = kMap;
  bool dead = false;
  Reduce reduce = Reduce::kSum;
  bool mean = false;
  bool has_b = false;   // kGemm: views[2] is the second factor; otherwise it is `weights`
  bool has_c0 = false;  // kGemm: the last view is added
  int weights = -1;     // index of Program::matrices
  int target = 0;       // kBranch: the next step where the condition is 0; kJump: the next step
  // views[0] is the output (kBranch: the condition), the rest are inputs. kQuantize: the input,
  // then the outputs. kReduce: reduced axes have extent 1 in the output.
  std::vector<View> views;
  std::vector<MapOp> ops;
};

struct Port {
  std::string name;
  View view;
};

struct Program {
  std::vector<Buffer> buffers;
  std::vector<Step> steps;
  std::vector<Port> inputs;
  std::vector<Port> outputs;
  std::vector<std::vector<float>> constants;
  std::vector<PackedMatrix> matrices;
  int64_t scratch = 0;  // floats
};

}  // namespace koemorph::onnx
