// The contents of an .onnx file, parsed but not interpreted.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "onnx/wire.h"

namespace koemorph::onnx {

// ONNX TensorProto.DataType.
enum class Type {
  kNone = 0,
  kFloat = 1,
  kUint8 = 2,
  kInt8 = 3,
  kInt32 = 6,
  kInt64 = 7,
  kBool = 9,
  kFloat16 = 10
};

const char* type_name(Type type);

// Limits that keep a damaged file from requesting gigabytes or years.
constexpr int kMaxRank = 8;
constexpr int kMaxNodes = 4096;
constexpr int kMaxDepth = 8;
constexpr int64_t kMaxElements = int64_t{1} << 26;

// A constant. Its data point into the file's memory.
struct Tensor {
  std::string name;
  Type type = Type::kNone;
  std::vector<int64_t> dims;
  bool has_raw = false;
  Bytes raw;
  std::vector<float> reals;
  std::vector<int64_t> integers;

  int64_t count() const;
  // The elements, converted. Each type that the reader accepts converts to float.
  std::vector<float> to_floats() const;
  // For int8, uint8, int32, int64 and bool.
  std::vector<int64_t> to_integers() const;
};

struct GraphDef;

struct Attribute {
  std::string name;
  int64_t integer = 0;
  float real = 0.0f;
  std::string text;
  std::vector<int64_t> integers;
  std::vector<float> reals;
  std::vector<Tensor> tensors;   // at most one
  std::vector<GraphDef> graphs;  // at most one
};

struct Node {
  std::string op;
  std::string name;
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::vector<Attribute> attributes;

  // NULL without such an attribute.
  const Attribute* find(const char* attribute) const;
  int64_t integer(const char* attribute, int64_t otherwise) const;
  float real(const char* attribute, float otherwise) const;
  // "Gemm node \"/emotion/Gemm\"": for messages.
  std::string describe() const;
};

// An input or output of a graph. Extent -1: symbolic or absent.
struct ValueInfo {
  std::string name;
  Type type = Type::kNone;
  bool has_shape = false;
  std::vector<int64_t> dims;
};

struct GraphDef {
  std::vector<Node> nodes;
  std::vector<Tensor> initializers;
  std::vector<ValueInfo> inputs;
  std::vector<ValueInfo> outputs;
};

struct ModelFile {
  int64_t opset = 0;
  std::map<std::string, std::string> metadata;
  GraphDef graph;
};

// Parses a file. The result refers to `data`, which must outlive it. Throws InvalidModel.
ModelFile parse_model(Bytes data);

}  // namespace koemorph::onnx
