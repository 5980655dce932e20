// Matrix products, in floats and in integers.
#include <algorithm>

#include "onnx/planner.h"

namespace koemorph::onnx {
namespace {

// A bound on the multiplications of one frame of one stream: seconds, not years.
constexpr int64_t kMaxMultiplications = int64_t{1} << 31;

int64_t padded(int64_t columns) { return (columns + kPanel - 1) / kPanel * kPanel; }

void swap_last_axes(View* view) {
  const size_t rank = view->shape.size();
  std::swap(view->shape[rank - 1], view->shape[rank - 2]);
  std::swap(view->strides[rank - 1], view->strides[rank - 2]);
}

}  // namespace

void Planner::count_multiplications(int64_t elements, int64_t depth, const std::string& where) {
  // Both are bounded, and so is their product.
  multiplications_ += elements * depth;
  if (multiplications_ > kMaxMultiplications) {
    invalid(where + " brings the graph to more than " + std::to_string(kMaxMultiplications) +
            " multiplications per frame");
  }
}

// A constant matrix, in panels of kPanel columns.
int Planner::pack(Value* b, bool transposed, const std::string& where) {
  const bool as_stored = b->tensor->dims.size() == 2 && b->tensor->dims[0] == b->shape[0].scale;
  const auto key = std::make_pair(b->tensor, transposed);
  if (as_stored && packed_.count(key) != 0) return packed_[key];
  PackedMatrix matrix;
  matrix.rows = b->shape[transposed ? 1 : 0].scale;
  matrix.columns = b->shape[transposed ? 0 : 1].scale;
  if (matrix.rows == 0 || matrix.columns == 0) invalid(where + " has an empty matrix");
  if (matrix.rows > kMaxElements / padded(matrix.columns)) invalid(where + " has a huge matrix");
  const std::vector<float> data = b->tensor->to_floats();
  const int64_t size = matrix.rows * padded(matrix.columns);
  matrix.storage.assign(static_cast<size_t>(size) + kAlignment / sizeof(float), 0.0f);
  const auto address = reinterpret_cast<uintptr_t>(matrix.storage.data());
  float* out =
      matrix.storage.data() + (kAlignment - address % kAlignment) % kAlignment / sizeof(float);
  matrix.data = out;
  const int64_t row_stride = transposed ? 1 : matrix.columns;
  const int64_t column_stride = transposed ? matrix.rows : 1;
  for (int64_t column = 0; column < matrix.columns; ++column) {
    float* panel = out + column / kPanel * kPanel * matrix.rows + column % kPanel;
    for (int64_t row = 0; row < matrix.rows; ++row) {
      panel[row * kPanel] = data[row * row_stride + column * column_stride];
    }
  }
  const int index = static_cast<int>(program_->matrices.size());
  program_->matrices.push_back(std::move(matrix));
  if (as_stored) packed_[key] = index;
  return index;
}

// a (..., M, K) * b (..., K, N) or b' where transposed, plus c0.
Value Planner::emit_product(const Node& node, Value* a, Value* b, bool transposed, Value* c0) {
  const std::string where = node.describe();
  const View left = in_memory(a);
  const bool constant = b->tensor != nullptr && b->shape.size() == 2;
  View right;
  if (constant) {
    right.shape = b->shape;
    right.strides = contiguous(b->shape);
  } else {
    right = in_memory(b);
  }
  if (transposed) swap_last_axes(&right);
  const size_t left_rank = left.shape.size(), right_rank = right.shape.size();
  const Dim depth = left.shape[left_rank - 1], width = right.shape[right_rank - 1];
  if (depth != right.shape[right_rank - 2] || depth.batch || width.batch || depth.scale == 0) {
    invalid(where + " multiplies the shapes " + shape_text(left.shape) + " and " +
            shape_text(right.shape));
  }
  const Shape left_batch(left.shape.begin(), left.shape.end() - 2);
  const Shape right_batch(right.shape.begin(), right.shape.end() - 2);
  Shape shape = broadcast(left_batch, right_batch, where);
  const Shape batch = shape;
  const Dim height = left.shape[left_rank - 2];
  shape.push_back(height);
  shape.push_back(width);
  count_multiplications(product(shape, where).scale, depth.scale, where);
  Shape left_shape = batch, right_shape = batch;
  left_shape.insert(left_shape.end(), {height, depth});
  right_shape.insert(right_shape.end(), {depth, width});
  Step step;
  step.kind = Step::kGemm;
  Value out = new_value(a->type, shape);
  step.views = {out.view, stretched(left, left_shape)};
  program_->scratch = std::max(program_->scratch, kPackedRows * depth.scale);
  if (constant) {
    step.weights = pack(b, transposed, where);
  } else {
    step.has_b = true;
    step.views.push_back(stretched(right, right_shape));
    if (depth.scale > kMaxElements / padded(width.scale)) invalid(where + " has a huge matrix");
    program_->scratch =
        std::max(program_->scratch, depth.scale * (kPackedRows + padded(width.scale)));
  }
  for (const View& view : step.views) {
    if (program_->buffers[view.buffer].bytes) invalid(where + " reads a uint8 tensor");
  }
  if (c0 != nullptr) {
    step.has_c0 = true;
    step.views.push_back(stretched(in_memory(c0), shape));
  }
  out.step = static_cast<int>(program_->steps.size());
  out.block = block_;
  program_->steps.push_back(std::move(step));
  return out;
}

namespace {

// Whether the product can start from this view: rows must be contiguous.
bool starts_product(const Value& value, const Shape& shape) {
  if (value.shape.empty() || value.shape.size() > shape.size()) return false;
  for (size_t i = 0; i < value.shape.size(); ++i) {
    const Dim& extent = shape[i + shape.size() - value.shape.size()];
    if (value.shape[i] != extent && value.shape[i] != Dim{}) return false;
  }
  return value.shape.back() == shape.back() && value.view.strides.back() == Dim{1, false};
}

}  // namespace

// A sum of a product and something else, where only the sum reads the product.
bool Planner::add_to_product(const Node& node) {
  std::vector<Step>& steps = program_->steps;
  for (size_t i = 0; i < 2; ++i) {
    Value& made = input(node, i);
    Value& other = input(node, 1 - i);
    if (!made.once || made.step < 0 || made.block != block_ || &made == &other) continue;
    if (steps[made.step].kind != Step::kGemm || steps[made.step].has_c0) continue;
    in_memory(&other);
    if (program_->buffers[other.view.buffer].bytes || !starts_product(other, made.shape)) continue;
    Step step = steps[made.step];
    steps[made.step].dead = true;
    step.has_c0 = true;
    step.views.push_back(stretched(other.view, made.shape));
    Value out = made;
    out.step = static_cast<int>(steps.size());
    steps.push_back(std::move(step));
    output(node, std::move(out));
    return true;
  }
  return false;
}

void Planner::mat_mul(const Node& node) {
  Value a = input(node, 0), b = input(node, 1);
  const size_t a_rank = a.shape.size(), b_rank = b.shape.size();
  if (a_rank == 0 || b_rank == 0) invalid(node.describe() + " multiplies a single value");
  if (a_rank == 1) a = reshaped(&a, {Dim{}, a.shape[0]});
  if (b_rank == 1) b = reshaped(&b, {b.shape[0], Dim{}});
  Value out = emit_product(node, &a, &b, false, nullptr);
  if (a_rank == 1 || b_rank == 1) {
    Shape shape = out.shape;
    if (b_rank == 1) shape.pop_back();
    if (a_rank == 1) shape.erase(shape.end() - (b_rank == 1 ? 1 : 2));
    out = reshaped(&out, shape);
  }
  output(node, std::move(out));
}

void Planner::gemm(const Node& node) {
  Value a = input(node, 0);
  Value& b = input(node, 1);
  if (a.shape.size() != 2 || b.shape.size() != 2) {
    invalid(node.describe() + " multiplies the shapes " + shape_text(a.shape) + " and " +
            shape_text(b.shape) + ", matrices were expected");
  }
  if (node.integer("transA", 0) != 0) {
    in_memory(&a);
    swap_last_axes(&a.view);
    a.shape = a.view.shape;
  }
  const bool transposed = node.integer("transB", 0) != 0;
  const float alpha = node.real("alpha", 1.0f), beta = node.real("beta", 1.0f);
  Value* c = has_input(node, 2) && beta != 0.0f ? &input(node, 2) : nullptr;
  const Shape shape = {a.shape[0], b.shape[transposed ? 0 : 1]};
  bool fused = false;
  if (c != nullptr) {
    if (broadcast(c->shape, shape, node.describe()) != shape) {
      invalid(node.describe() + " adds the shape " + shape_text(c->shape));
    }
    in_memory(c);
    fused = alpha == 1.0f && beta == 1.0f && starts_product(*c, shape);
  }
  Value out = emit_product(node, &a, &b, transposed, fused ? c : nullptr);
  const auto constant = [&](float number) {
    Value value = new_value(Type::kFloat, {});
    program_->buffers.back().constant = static_cast<int>(program_->constants.size());
    program_->constants.push_back({number});
    return value;
  };
  if (alpha != 1.0f) {
    Value factor = constant(alpha);
    out = emit_map(out.type, Op::kMultiply, {&out, &factor});
  }
  if (c != nullptr && !fused) {
    Value added = *c;
    Value factor = constant(beta);
    if (beta != 1.0f) added = emit_map(out.type, Op::kMultiply, {&added, &factor});
    out = emit_map(out.type, Op::kAdd, {&out, &added});
  }
  output(node, std::move(out));
}

// Outputs: uint8 values, their scale, and their zero point, which is held as a float.
void Planner::quantize(const Node& node) {
  if (node.outputs.size() != 3) invalid(node.describe() + " must have three outputs");
  Value in = input(node, 0);
  in_memory(&in);
  if (program_->buffers[in.view.buffer].bytes) invalid(node.describe() + " reads a uint8 tensor");
  if (in.view.strides != contiguous(in.shape)) in = copied(in);
  Value values = new_value(Type::kUint8, in.shape, true);
  Value scale = new_value(Type::kFloat, {});
  Value zero = new_value(Type::kUint8, {});
  Step step;
  step.kind = Step::kQuantize;
  step.views = {values.view, in.view, scale.view, zero.view};
  program_->steps.push_back(std::move(step));
  define(node.outputs[0], std::move(values));
  define(node.outputs[1], std::move(scale));
  define(node.outputs[2], std::move(zero));
}

int Planner::pack_integer(Value* b, Value* zero, const std::string& where) {
  PackedMatrix matrix;
  matrix.rows = b->shape[0].scale;
  matrix.columns = b->shape[1].scale;
  if (matrix.rows == 0 || matrix.columns == 0) invalid(where + " has an empty matrix");
  // Sums of products of 8-bit numbers must fit into 32 bits.
  if (matrix.rows > 16384 || padded(matrix.columns) > kMaxElements / (matrix.rows + 4)) {
    invalid(where + " has a huge matrix");
  }
  const int64_t shift = b->type == Type::kUint8 ? 128 : 0;
  const std::vector<int64_t> data = b->tensor->to_integers();
  std::vector<int64_t> zeros = {shift};
  if (zero != nullptr) {
    if (zero->tensor == nullptr) invalid(where + " has a zero point that is not constant");
    zeros = zero->tensor->to_integers();
  }
  if (zeros.size() != 1 && static_cast<int64_t>(zeros.size()) != matrix.columns) {
    invalid(where + " has " + std::to_string(zeros.size()) + " zero points, 1 or " +
            std::to_string(matrix.columns) + " were expected");
  }
  const int64_t groups = (matrix.rows + 3) / 4, columns = padded(matrix.columns);
  matrix.bytes.assign(static_cast<size_t>(groups * 4 * columns), 0);
  matrix.sums.assign(static_cast<size_t>(columns), 0);
  matrix.zeros.assign(static_cast<size_t>(columns), 0);
  for (int64_t column = 0; column < matrix.columns; ++column) {
    int8_t* panel = matrix.bytes.data() + column / kPanel * kPanel * 4 * groups;
    const int64_t each = zeros[zeros.size() == 1 ? 0 : column];
    matrix.zeros[column] = static_cast<int32_t>(each - shift);
    for (int64_t row = 0; row < matrix.rows; ++row) {
      const int64_t value = data[row * matrix.columns + column] - shift;
      panel[(row / 4 * kPanel + column % kPanel) * 4 + row % 4] = static_cast<int8_t>(value);
      matrix.sums[column] += static_cast<int32_t>(value);
    }
  }
  program_->matrices.push_back(std::move(matrix));
  return static_cast<int>(program_->matrices.size()) - 1;
}

void Planner::mat_mul_integer(const Node& node) {
  const std::string where = node.describe();
  Value& a = input(node, 0);
  Value& b = input(node, 1);
  const size_t rank = a.shape.size();
  const bool bytes = a.view.buffer >= 0 && program_->buffers[a.view.buffer].bytes;
  const bool matrix = b.tensor != nullptr && b.shape.size() == 2 &&
                      (b.type == Type::kInt8 || b.type == Type::kUint8);
  if (!bytes || rank < 2 || !matrix || a.shape[rank - 1] != b.shape[0] ||
      a.view.strides != contiguous(a.shape)) {
    invalid(where + " must multiply a quantized tensor with a constant 8-bit matrix");
  }
  Shape shape = a.shape;
  shape[rank - 1] = b.shape[1];
  count_multiplications(product(shape, where).scale, b.shape[0].scale, where);
  Step step;
  step.kind = Step::kIntegerGemm;
  step.weights = pack_integer(&b, has_input(node, 3) ? &input(node, 3) : nullptr, where);
  Value out = new_value(Type::kInt32, shape);
  step.views = {out.view, a.view};
  if (has_input(node, 2)) {
    Value& zero = input(node, 2);
    if (product(zero.shape, where) != Dim{} || program_->buffers[in_memory(&zero).buffer].bytes) {
      invalid(where + " must have one zero point of its first factor");
    }
    step.views.push_back(zero.view);
  }
  program_->steps.push_back(std::move(step));
  output(node, std::move(out));
}

}  // namespace koemorph::onnx
