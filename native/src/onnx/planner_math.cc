// Operators that compute elements, fused into chains where one value is read by one operator.
#include <algorithm>
#include <limits>

#include "onnx/planner.h"

namespace koemorph::onnx {
namespace {

constexpr size_t kMaxChain = 24;

// The operation on the running value where that is the second operand of a binary one.
Op mirrored(Op op) {
  switch (op) {
    case Op::kSubtract:
      return Op::kSubtractFrom;
    case Op::kDivide:
      return Op::kDivideInto;
    case Op::kGreater:
      return Op::kLess;
    case Op::kLess:
      return Op::kGreater;
    case Op::kGreaterEqual:
      return Op::kLessEqual;
    case Op::kLessEqual:
      return Op::kGreaterEqual;
    default:
      return op;
  }
}

struct Elementwise {
  Op op;
  bool truth;  // the result is bool
};

const std::map<std::string, Elementwise>& elementwise() {
  static const std::map<std::string, Elementwise> table = {
      {"Abs", {Op::kAbs, false}},
      {"Neg", {Op::kNegate, false}},
      {"Exp", {Op::kExp, false}},
      {"Log", {Op::kLog, false}},
      {"Sqrt", {Op::kSqrt, false}},
      {"Tanh", {Op::kTanh, false}},
      {"Relu", {Op::kRelu, false}},
      {"Sign", {Op::kSign, false}},
      {"Floor", {Op::kFloor, false}},
      {"Reciprocal", {Op::kReciprocal, false}},
      {"Not", {Op::kNot, true}},
      {"Add", {Op::kAdd, false}},
      {"Sub", {Op::kSubtract, false}},
      {"Mul", {Op::kMultiply, false}},
      {"Div", {Op::kDivide, false}},
      {"Sum", {Op::kAdd, false}},
      {"Max", {Op::kMax, false}},
      {"Min", {Op::kMin, false}},
      {"Greater", {Op::kGreater, true}},
      {"Less", {Op::kLess, true}},
      {"GreaterOrEqual", {Op::kGreaterEqual, true}},
      {"LessOrEqual", {Op::kLessEqual, true}},
      {"Equal", {Op::kEqual, true}},
      {"And", {Op::kAnd, true}},
      {"Or", {Op::kOr, true}},
  };
  return table;
}

Value constant_of(float number, Program* program) {
  Value value;
  value.type = Type::kFloat;
  Buffer buffer;
  buffer.constant = static_cast<int>(program->constants.size());
  program->constants.push_back({number});
  value.view.buffer = static_cast<int>(program->buffers.size());
  program->buffers.push_back(buffer);
  return value;
}

// Whether each element of b divides many of a; then its inverse is cheaper.
bool divides_by_few(const Value& a, const Value& b) {
  return !b.shape.empty() && a.shape.size() >= b.shape.size() &&
         product(b.shape, "a divisor").scale <= product(a.shape, "a dividend").scale / 4;
}

}  // namespace

// A constant such as a column (n, 1) becomes the whole (n, m), so that the elements that it meets
// can be visited in one loop.
Value* Planner::widened(Value* value, const Shape& shape, Value* place) {
  const size_t rank = value->shape.size();
  if (value->tensor == nullptr || rank < 2 || rank > shape.size()) return value;
  const Shape whole(shape.end() - static_cast<std::ptrdiff_t>(rank), shape.end());
  const auto varies = [](const Dim& extent) { return extent.batch; };
  if (whole.back() == value->shape.back() || std::any_of(whole.begin(), whole.end(), varies) ||
      product(value->shape, "a constant") == Dim{} || product(whole, "a constant").scale > 16384) {
    return value;
  }
  const std::vector<float> data = value->tensor->to_floats();
  const Shape steps = stretched({0, 0, 0, value->shape, contiguous(value->shape)}, whole).strides;
  const int64_t size = product(whole, "a constant").scale;
  std::vector<float> wide(static_cast<size_t>(size));
  for (int64_t i = 0; i < size; ++i) {
    int64_t at = 0, rest = i;
    for (size_t d = rank; d-- > 0; rest /= whole[d].scale) {
      at += rest % whole[d].scale * steps[d].scale;
    }
    wide[i] = data[at];
  }
  *place = new_value(value->type, whole);
  program_->buffers.back().constant = static_cast<int>(program_->constants.size());
  program_->constants.push_back(std::move(wide));
  return place;
}

// One elementwise operation. It joins the chain that computes an operand, where only it reads that.
Value Planner::emit_map(Type type, Op op, std::vector<Value*> operands) {
  std::vector<Step>& steps = program_->steps;
  Shape shape;
  for (Value* each : operands) {
    shape = broadcast(shape, each->shape, "an elementwise operator");
  }
  std::vector<Value> wide(operands.size());
  for (size_t i = 0; i < operands.size(); ++i) {
    operands[i] = widened(operands[i], shape, &wide[i]);
  }
  for (Value* each : operands) {
    if (program_->buffers[in_memory(each).buffer].bytes) {
      invalid("an elementwise operator reads a uint8 tensor");
    }
  }
  Value out = new_value(type, shape);
  size_t running = 0;
  const Step* chain = nullptr;
  for (size_t i = 0; i < operands.size() && chain == nullptr; ++i) {
    const Value& value = *operands[i];
    if (op == Op::kClip && i > 0) break;
    if (!value.once || value.step < 0 || value.block != block_ || value.shape != shape) continue;
    const Step& step = steps[value.step];
    const bool fits = step.views.size() + operands.size() - 1 <= kMaxOperands;
    if (step.kind != Step::kMap || step.ops.size() >= kMaxChain || !fits) continue;
    chain = &step;
    running = i;
  }
  Step step;
  if (chain != nullptr) {
    step = *chain;
    steps[operands[running]->step].dead = true;
    step.views[0] = out.view;
  } else {
    step.views = {out.view, stretched(in_memory(operands[0]), shape)};
  }
  MapOp code;
  code.op = op;
  if (op == Op::kSelect && running > 0) {
    code.op = running == 1 ? Op::kSelectTrue : Op::kSelectFalse;
  } else if (running == 1) {
    code.op = mirrored(op);
  }
  uint8_t* place = &code.a;
  for (size_t i = 0; i < operands.size(); ++i) {
    if (i == running) continue;
    *place = static_cast<uint8_t>(step.views.size());
    place = &code.b;
    step.views.push_back(stretched(in_memory(operands[i]), shape));
  }
  step.ops.push_back(code);
  out.step = static_cast<int>(steps.size());
  out.block = block_;
  steps.push_back(std::move(step));
  return out;
}

void Planner::unary(const Node& node) {
  const Elementwise& kind = elementwise().at(node.op);
  Value& in = input(node, 0);
  output(node, emit_map(kind.truth ? Type::kBool : in.type, kind.op, {&in}));
}

void Planner::binary(const Node& node) {
  if (integer_binary(node)) return;
  if (node.op == "Add" && add_to_product(node)) return;
  const Elementwise& kind = elementwise().at(node.op);
  Value& a = input(node, 0);
  Value& b = input(node, 1);
  if (kind.op == Op::kDivide && divides_by_few(a, b)) {
    Value inverse = emit_map(b.type, Op::kReciprocal, {&b});
    return output(node, emit_map(a.type, Op::kMultiply, {&a, &inverse}));
  }
  output(node, emit_map(kind.truth ? Type::kBool : a.type, kind.op, {&a, &b}));
}

// Sum, Max and Min of any number of inputs.
void Planner::sum(const Node& node) {
  const Op op = elementwise().at(node.op).op;
  Value total = input(node, 0);
  for (size_t i = 1; i < node.inputs.size(); ++i) {
    total = emit_map(total.type, op, {&total, &input(node, i)});
    total.once = true;
  }
  output(node, std::move(total));
}

void Planner::clip(const Node& node) {
  Value low = has_input(node, 1) ? input(node, 1)
                                 : constant_of(-std::numeric_limits<float>::infinity(), program_);
  Value high = has_input(node, 2) ? input(node, 2)
                                  : constant_of(std::numeric_limits<float>::infinity(), program_);
  Value& in = input(node, 0);
  output(node, emit_map(in.type, Op::kClip, {&in, &low, &high}));
}

void Planner::where(const Node& node) {
  Value& yes = input(node, 1);
  output(node, emit_map(yes.type, Op::kSelect, {&input(node, 0), &yes, &input(node, 2)}));
}

// x * sigmoid(x) becomes one operation.
void Planner::sigmoid(const Node& node) {
  Value& in = input(node, 0);
  const std::string& x = node.inputs[0];
  const std::string& y = node.outputs[0];
  if (uses_[x] == 2 && uses_[y] == 1) {
    for (const Node& reader : graph_->nodes) {
      if (reader.op != "Mul" || reader.inputs.size() != 2 || reader.outputs.size() != 1) continue;
      const bool same = (reader.inputs[0] == x && reader.inputs[1] == y) ||
                        (reader.inputs[0] == y && reader.inputs[1] == x);
      if (!same) continue;
      in.once = true;
      return output(reader, emit_map(in.type, Op::kSilu, {&in}));
    }
  }
  output(node, emit_map(in.type, Op::kSigmoid, {&in}));
}

// float16 and int32 values are held as floats.
void Planner::cast(const Node& node) {
  Value& in = input(node, 0);
  const auto to = static_cast<Type>(node.integer("to", 0));
  const bool real = to == Type::kFloat || to == Type::kFloat16;
  if (to != Type::kBool && to != Type::kInt32 && to != Type::kInt64 && !real) {
    invalid(node.describe() + " casts to data type " + std::to_string(static_cast<int>(to)));
  }
  const bool from_real = in.type == Type::kFloat || in.type == Type::kFloat16;
  if (to == Type::kBool && in.type != Type::kBool) {
    return output(node, emit_map(to, Op::kIsNonzero, {&in}));
  }
  if (!real && from_real) return output(node, emit_map(to, Op::kTruncate, {&in}));
  if (!in.has_integers && program_->buffers[in_memory(&in).buffer].bytes) {
    invalid(node.describe() + " casts a uint8 tensor");
  }
  Value out = in;
  out.type = to;
  output(node, std::move(out));
}

Value Planner::emit_reduce(Value* in, uint32_t axes, Reduce kind, bool mean) {
  Shape shape = in->shape;
  for (size_t i = 0; i < shape.size(); ++i) {
    if ((axes >> i & 1) == 0) continue;
    if (shape[i].batch) invalid("a reduction joins the streams");
    if (shape[i].scale == 0) invalid("a reduction has no elements");
    shape[i] = Dim{};
  }
  Step step;
  step.kind = Step::kReduce;
  step.reduce = kind;
  step.mean = mean;
  const View from = in_memory(in);
  if (program_->buffers[from.buffer].bytes) invalid("a reduction reads a uint8 tensor");
  Value out = new_value(in->type, shape);
  step.views = {out.view, from};
  program_->steps.push_back(std::move(step));
  return out;
}

void Planner::reduce(const Node& node) {
  Value& in = input(node, 0);
  uint32_t axes = 0;
  const std::vector<int64_t> chosen = axes_of(node, 1);
  for (const int64_t axis : chosen) axes |= 1u << axis_of(axis, in.shape.size(), node.describe());
  if (chosen.empty() && node.integer("noop_with_empty_axes", 0) == 0) axes = ~0u;
  const Reduce kind = node.op == "ReduceMax"   ? Reduce::kMax
                      : node.op == "ReduceMin" ? Reduce::kMin
                                               : Reduce::kSum;
  Value out = emit_reduce(&in, axes, kind, node.op == "ReduceMean");
  if (node.integer("keepdims", 1) == 0) {
    Shape shape;
    for (size_t i = 0; i < in.shape.size(); ++i) {
      if ((axes >> i & 1) == 0) shape.push_back(in.shape[i]);
    }
    out = reshaped(&out, shape);
  }
  output(node, std::move(out));
}

void Planner::softmax(const Node& node) {
  Value& in = input(node, 0);
  const size_t axis = axis_of(node.integer("axis", -1), in.shape.size(), node.describe());
  Value highest = emit_reduce(&in, 1u << axis, Reduce::kMax, false);
  Value shifted = emit_map(in.type, Op::kSubtract, {&in, &highest});
  shifted.once = true;
  Value powers = emit_map(in.type, Op::kExp, {&shifted});
  Value total = emit_reduce(&powers, 1u << axis, Reduce::kSum, false);
  output(node, emit_map(in.type, Op::kDivide, {&powers, &total}));
}

const std::map<std::string, Planner::Handler>& Planner::handlers() {
  static const std::map<std::string, Handler> table = [] {
    std::map<std::string, Handler> made = {
        {"If", &Planner::plan_if},
        {"Sum", &Planner::sum},
        {"Max", &Planner::sum},
        {"Min", &Planner::sum},
        {"Clip", &Planner::clip},
        {"Where", &Planner::where},
        {"Sigmoid", &Planner::sigmoid},
        {"Cast", &Planner::cast},
        {"ReduceSum", &Planner::reduce},
        {"ReduceMean", &Planner::reduce},
        {"ReduceMax", &Planner::reduce},
        {"ReduceMin", &Planner::reduce},
        {"Softmax", &Planner::softmax},
        {"MatMul", &Planner::mat_mul},
        {"Gemm", &Planner::gemm},
        {"DynamicQuantizeLinear", &Planner::quantize},
        {"MatMulInteger", &Planner::mat_mul_integer},
        {"Identity", &Planner::identity},
        {"Constant", &Planner::constant},
        {"Shape", &Planner::shape_of},
        {"Reshape", &Planner::reshape},
        {"Flatten", &Planner::flatten},
        {"Squeeze", &Planner::squeeze},
        {"Unsqueeze", &Planner::unsqueeze},
        {"Transpose", &Planner::transpose},
        {"Concat", &Planner::concat},
        {"Split", &Planner::split},
        {"Slice", &Planner::slice},
        {"Gather", &Planner::gather},
        {"Expand", &Planner::expand},
    };
    for (const auto& [name, kind] : elementwise()) {
      const bool one = kind.op <= Op::kFloor;
      made.emplace(name, one ? &Planner::unary : &Planner::binary);
    }
    return made;
  }();
  return table;
}

}  // namespace koemorph::onnx
