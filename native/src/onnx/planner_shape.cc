// Shapes, and the operators that compute or change them.
#include <algorithm>

#include "onnx/planner.h"

namespace koemorph::onnx {

Dim product(const Shape& shape, const std::string& where) {
  Dim out;
  for (const Dim& extent : shape) {
    if (extent.batch && out.batch) invalid(where + " multiplies the number of streams by itself");
    out.batch = out.batch || extent.batch;
    out.scale *= extent.scale;
    if (out.scale < 0 || out.scale > kMaxElements) {
      invalid(where + " has the shape " + shape_text(shape) + ", at most " +
              std::to_string(kMaxElements) + " elements were expected");
    }
  }
  return out;
}

Shape contiguous(const Shape& shape) {
  Shape strides(shape.size());
  Dim next;
  for (size_t i = shape.size(); i-- > 0;) {
    strides[i] = next;
    next.scale *= std::max<int64_t>(shape[i].scale, 1);
    next.batch = next.batch || shape[i].batch;
  }
  return strides;
}

std::string shape_text(const Shape& shape) {
  std::string text = "(";
  for (const Dim& extent : shape) {
    if (text.size() > 1) text += ", ";
    text += (extent.batch ? "batch * " : "") + std::to_string(extent.scale);
  }
  return text + ")";
}

Shape broadcast(const Shape& a, const Shape& b, const std::string& where) {
  const size_t rank = std::max(a.size(), b.size());
  Shape out(rank);
  for (size_t i = 0; i < rank; ++i) {
    const Dim x = i + a.size() < rank ? Dim{} : a[i + a.size() - rank];
    const Dim y = i + b.size() < rank ? Dim{} : b[i + b.size() - rank];
    if (x != y && x != Dim{} && y != Dim{}) {
      invalid(where + " has inputs of shapes " + shape_text(a) + " and " + shape_text(b));
    }
    out[i] = x == Dim{} ? y : x;
  }
  return out;
}

size_t axis_of(int64_t axis, size_t rank, const std::string& where) {
  const auto size = static_cast<int64_t>(rank);
  if (axis < -size || axis >= size) {
    invalid(where + " has axis " + std::to_string(axis) + ", its input has " +
            std::to_string(rank) + " dimensions");
  }
  return static_cast<size_t>(axis < 0 ? axis + size : axis);
}

View stretched(const View& view, const Shape& shape) {
  View out = view;
  out.shape = shape;
  out.strides.assign(shape.size(), Dim{0, false});
  for (size_t i = 0; i < view.shape.size(); ++i) {
    const size_t to = i + shape.size() - view.shape.size();
    if (view.shape[i] == shape[to]) out.strides[to] = view.strides[i];
  }
  return out;
}

Value Planner::reshaped(Value* in, const Shape& shape) {
  if (product(in->shape, "a reshaped tensor") != product(shape, "a reshaped tensor")) {
    invalid("a tensor of shape " + shape_text(in->shape) + " cannot become " + shape_text(shape));
  }
  Value out = *in;
  out.step = -1;
  out.shape = shape;
  out.has_integers = in->has_integers && shape.size() <= 1;
  if (out.view.buffer < 0) return out;  // a constant that nobody has read yet
  if (in->view.strides != contiguous(in->shape)) {
    const bool has_integers = out.has_integers;
    out = copied(*in);
    out.has_integers = has_integers;
    out.integers = in->integers;
    out.shape = shape;
  }
  out.tensor = nullptr;
  out.view.shape = shape;
  out.view.strides = contiguous(shape);
  return out;
}

std::vector<int64_t> Planner::constant_integers(const Node& node, size_t index) {
  const Value& value = input(node, index);
  std::vector<int64_t> out;
  if (!value.has_integers) {
    invalid(node.describe() + " has an input " + std::to_string(index) +
            " that depends on the model's inputs, constant integers were expected");
  }
  for (const Dim& each : value.integers) {
    if (each.batch) invalid(node.describe() + " depends on the number of streams");
    out.push_back(each.scale);
  }
  return out;
}

// Axes are an input in newer operator sets and an attribute in older ones.
std::vector<int64_t> Planner::axes_of(const Node& node, size_t index) {
  if (has_input(node, index)) return constant_integers(node, index);
  const Attribute* attribute = node.find("axes");
  return attribute == nullptr ? std::vector<int64_t>() : attribute->integers;
}

void Planner::identity(const Node& node) { output(node, input(node, 0)); }

void Planner::constant(const Node& node) {
  const Attribute* attribute = node.find("value");
  if (attribute == nullptr || attribute->tensors.empty()) {
    invalid(node.describe() + " has no attribute \"value\"");
  }
  const Tensor& tensor = attribute->tensors[0];
  Value value;
  value.type = tensor.type;
  value.tensor = &tensor;
  for (const int64_t extent : tensor.dims) value.shape.push_back({extent, false});
  if ((tensor.type == Type::kInt64 || tensor.type == Type::kInt32) && tensor.dims.size() <= 1 &&
      tensor.count() <= 4096) {
    value.has_integers = true;
    for (const int64_t each : tensor.to_integers()) value.integers.push_back({each, false});
  }
  output(node, std::move(value));
}

void Planner::shape_of(const Node& node) {
  const Shape& shape = input(node, 0).shape;
  const auto rank = static_cast<int64_t>(shape.size());
  const auto clamp = [&](int64_t at) {
    return std::clamp<int64_t>(at < 0 ? at + rank : at, 0, rank);
  };
  const int64_t start = clamp(node.integer("start", 0)), end = clamp(node.integer("end", rank));
  Value value;
  value.type = Type::kInt64;
  value.has_integers = true;
  if (start < end) value.integers.assign(shape.begin() + start, shape.begin() + end);
  value.shape = {{static_cast<int64_t>(value.integers.size()), false}};
  output(node, std::move(value));
}

void Planner::reshape(const Node& node) {
  Value& in = input(node, 0);
  const Value& wanted = input(node, 1);
  if (!wanted.has_integers) {
    invalid(node.describe() +
            " has a shape that depends on the model's inputs, constant integers "
            "were expected");
  }
  if (wanted.integers.size() > kMaxRank) invalid(node.describe() + " has too many dimensions");
  Shape shape = wanted.integers;
  const Dim total = product(in.shape, node.describe());
  Dim known;
  int open = -1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == Dim{0, false} && node.integer("allowzero", 0) == 0) {
      if (i >= in.shape.size()) invalid(node.describe() + " copies an extent that does not exist");
      shape[i] = in.shape[i];
    }
    if (shape[i] == Dim{-1, false}) {
      if (open >= 0) invalid(node.describe() + " has two extents of -1");
      open = static_cast<int>(i);
      shape[i] = Dim{};
    }
    if (shape[i].scale < 0) invalid(node.describe() + " has a negative extent");
  }
  known = product(shape, node.describe());
  if (open >= 0) {
    const bool fits =
        known.scale > 0 && total.scale % known.scale == 0 && (total.batch || !known.batch);
    if (!fits) {
      invalid(node.describe() + " cannot give " + shape_text(in.shape) + " the shape " +
              shape_text(wanted.integers));
    }
    shape[open] = {total.scale / known.scale, total.batch && !known.batch};
  } else if (known != total) {
    // An exporter that traces one stream writes its number down as 1.
    invalid(node.describe() + " cannot give " + shape_text(in.shape) + " the shape " +
            shape_text(wanted.integers));
  }
  output(node, reshaped(&in, shape));
}

void Planner::flatten(const Node& node) {
  Value& in = input(node, 0);
  const auto rank = static_cast<int64_t>(in.shape.size());
  int64_t axis = node.integer("axis", 1);
  if (axis < -rank || axis > rank) axis_of(axis, in.shape.size(), node.describe());
  if (axis < 0) axis += rank;
  const Shape head(in.shape.begin(), in.shape.begin() + axis);
  const Shape tail(in.shape.begin() + axis, in.shape.end());
  output(node, reshaped(&in, {product(head, node.describe()), product(tail, node.describe())}));
}

void Planner::squeeze(const Node& node) {
  Value& in = input(node, 0);
  std::vector<bool> removed(in.shape.size(), false);
  const std::vector<int64_t> axes = axes_of(node, 1);
  for (const int64_t axis : axes) removed[axis_of(axis, in.shape.size(), node.describe())] = true;
  Shape shape;
  for (size_t i = 0; i < in.shape.size(); ++i) {
    if (axes.empty() ? in.shape[i] != Dim{} : !removed[i]) shape.push_back(in.shape[i]);
  }
  output(node, reshaped(&in, shape));
}

void Planner::unsqueeze(const Node& node) {
  Value& in = input(node, 0);
  const std::vector<int64_t> axes = axes_of(node, 1);
  const size_t rank = in.shape.size() + axes.size();
  if (rank > kMaxRank) invalid(node.describe() + " has too many dimensions");
  std::vector<bool> added(rank, false);
  for (const int64_t axis : axes) added[axis_of(axis, rank, node.describe())] = true;
  Shape shape;
  size_t next = 0;
  for (size_t i = 0; i < rank; ++i) {
    if (!added[i] && next == in.shape.size()) invalid(node.describe() + " repeats an axis");
    shape.push_back(added[i] ? Dim{} : in.shape[next++]);
  }
  if (next != in.shape.size()) invalid(node.describe() + " repeats an axis");
  output(node, reshaped(&in, shape));
}

// Arithmetic on integers that are known, as exporters write for shapes.
bool Planner::integer_binary(const Node& node) {
  const Value& a = input(node, 0);
  const Value& b = input(node, 1);
  if (!a.has_integers || !b.has_integers) return false;
  const size_t count = std::max(a.integers.size(), b.integers.size());
  if ((a.integers.size() != count && a.integers.size() != 1) ||
      (b.integers.size() != count && b.integers.size() != 1)) {
    invalid(node.describe() + " has inputs of different lengths");
  }
  Value out;
  out.type = a.type;
  out.shape = a.shape.size() > b.shape.size() || a.integers.size() == count ? a.shape : b.shape;
  out.has_integers = true;
  for (size_t i = 0; i < count; ++i) {
    const Dim x = a.integers[a.integers.size() == 1 ? 0 : i];
    const Dim y = b.integers[b.integers.size() == 1 ? 0 : i];
    const bool bounded = std::abs(x.scale) <= kMaxElements && std::abs(y.scale) <= kMaxElements;
    Dim z = x;
    if (node.op == "Mul" && bounded && !(x.batch && y.batch)) {
      z = {x.scale * y.scale, x.batch || y.batch};
    } else if (node.op == "Div" && y.scale != 0 && !y.batch && bounded) {
      z.scale = x.scale / y.scale;
    } else if ((node.op == "Add" || node.op == "Sub") && x.batch == y.batch && bounded) {
      z.scale = node.op == "Add" ? x.scale + y.scale : x.scale - y.scale;
    } else {
      invalid(node.describe() + " computes integers in a way that is not supported");
    }
    out.integers.push_back(z);
  }
  output(node, std::move(out));
  return true;
}

}  // namespace koemorph::onnx
