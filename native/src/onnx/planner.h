// Turns a parsed graph into a program. Used while a model is loaded only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "onnx/file.h"
#include "onnx/program.h"

namespace koemorph::onnx {

// Thrown for an operator that the planner does not implement.
struct UnsupportedOperator {
  std::string op;
};

// What a name stands for while the graph is planned: a view of a buffer, a constant of the file
// that nobody has read yet, or integers of a shape computation, known except for the stream count.
struct Value {
  Type type = Type::kNone;
  Shape shape;
  View view;                       // buffer -1: not in memory yet
  const Tensor* tensor = nullptr;  // an initializer
  bool has_integers = false;
  std::vector<Dim> integers;
  int step = -1;      // the step that computes it alone, into its own buffer
  int block = -1;     // the branch that this step is in
  bool once = false;  // it has exactly one reader
};

class Planner {
 public:
  Planner(const ModelFile& file, Program* program) : file_(file), program_(program) {}
  void run();

 private:
  using Names = std::unordered_map<std::string, Value>;
  using Handler = void (Planner::*)(const Node&);
  static const std::map<std::string, Handler>& handlers();

  // planner.cc: names, blocks, buffers.
  void plan_nodes(const GraphDef& graph);
  void plan_node(const GraphDef& graph, const Node& node);
  void count_uses(const GraphDef& graph);
  Value* find(const std::string& name);
  Value& input(const Node& node, size_t index);
  bool has_input(const Node& node, size_t index) const;
  void define(const std::string& name, Value value);
  void output(const Node& node, Value value) { define(node.outputs.at(0), std::move(value)); }
  Value new_value(Type type, const Shape& shape, bool bytes = false);
  Value copied(const Value& source);
  const View& in_memory(Value* value);
  void finish();
  void plan_if(const Node& node);

  // planner_math.cc
  Value emit_map(Type type, Op op, std::vector<Value*> operands);
  Value* widened(Value* value, const Shape& shape, Value* place);
  Value emit_reduce(Value* in, uint32_t axes, Reduce kind, bool mean);
  Value emit_product(const Node& node, Value* a, Value* b, bool transposed, Value* c0);
  bool add_to_product(const Node& node);
  void unary(const Node& node);
  void binary(const Node& node);
  void sum(const Node& node);
  void clip(const Node& node);
  void where(const Node& node);
  void sigmoid(const Node& node);
  void cast(const Node& node);
  void reduce(const Node& node);
  void softmax(const Node& node);
  void mat_mul(const Node& node);
  void gemm(const Node& node);
  void quantize(const Node& node);
  void mat_mul_integer(const Node& node);
  void count_multiplications(int64_t elements, int64_t depth, const std::string& where);
  int pack(Value* b, bool transposed, const std::string& where);
  int pack_integer(Value* b, Value* zero, const std::string& where);

  // planner_shape.cc
  Value reshaped(Value* in, const Shape& shape);
  std::vector<int64_t> constant_integers(const Node& node, size_t index);
  std::vector<int64_t> axes_of(const Node& node, size_t index);
  void identity(const Node& node);
  void constant(const Node& node);
  void shape_of(const Node& node);
  void reshape(const Node& node);
  void flatten(const Node& node);
  void squeeze(const Node& node);
  void unsqueeze(const Node& node);
  void transpose(const Node& node);
  void concat(const Node& node);
  void split(const Node& node);
  void slice(const Node& node);
  void gather(const Node& node);
  void expand(const Node& node);
  bool integer_binary(const Node& node);
  Value part(const Value& in, size_t axis, int64_t start, int64_t step, int64_t extent);

  const ModelFile& file_;
  Program* program_;
  std::vector<Names> scopes_;
  std::unordered_map<std::string, int> uses_;
  std::map<std::pair<const Tensor*, bool>, int> packed_;
  const GraphDef* graph_ = nullptr;  // the one whose nodes are planned now
  int64_t multiplications_ = 0;
  int block_ = 0;
  int blocks_ = 0;
};

// Shapes. The messages of a failure name the node.
Shape contiguous(const Shape& shape);
Dim product(const Shape& shape, const std::string& where);
Shape broadcast(const Shape& a, const Shape& b, const std::string& where);
size_t axis_of(int64_t axis, size_t rank, const std::string& where);
std::string shape_text(const Shape& shape);
// The view as one of a larger shape, with stride 0 where it repeats.
View stretched(const View& view, const Shape& shape);
// The nodes in an order in which each follows what it reads.
std::vector<const Node*> sorted(const GraphDef& graph);

}  // namespace koemorph::onnx
