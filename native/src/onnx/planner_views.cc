// Operators that choose and arrange elements; most become strided views.
#include <algorithm>

#include "onnx/planner.h"

namespace koemorph::onnx {

void Planner::transpose(const Node& node) {
  Value& in = input(node, 0);
  const size_t rank = in.shape.size();
  const Attribute* perm = node.find("perm");
  std::vector<size_t> order;
  for (size_t i = 0; i < rank; ++i) {
    order.push_back(perm == nullptr || i >= perm->integers.size()
                        ? rank - 1 - i
                        : axis_of(perm->integers[i], rank, node.describe()));
  }
  std::vector<size_t> check = order;
  std::sort(check.begin(), check.end());
  for (size_t i = 0; i < rank; ++i) {
    if (check[i] != i) invalid(node.describe() + " has a \"perm\" that repeats an axis");
  }
  in_memory(&in);
  Value out = in;
  out.step = -1;
  out.has_integers = false;
  out.tensor = nullptr;
  for (size_t i = 0; i < rank; ++i) {
    out.shape[i] = in.shape[order[i]];
    out.view.strides[i] = in.view.strides[order[i]];
  }
  out.view.shape = out.shape;
  output(node, std::move(out));
}

void Planner::concat(const Node& node) {
  std::vector<Value*> parts;
  bool integers = true;
  for (size_t i = 0; i < node.inputs.size(); ++i) {
    parts.push_back(&input(node, i));
    integers = integers && parts.back()->has_integers;
  }
  if (parts.empty()) invalid(node.describe() + " has no input");
  Shape shape = parts[0]->shape;
  const size_t axis = axis_of(node.integer("axis", 0), shape.size(), node.describe());
  for (size_t i = 1; i < parts.size(); ++i) {
    bool same = parts[i]->shape.size() == shape.size();
    for (size_t d = 0; same && d < shape.size(); ++d) {
      same = d == axis ? parts[i]->shape[d].batch == shape[d].batch && !shape[d].batch
                       : parts[i]->shape[d] == shape[d];
    }
    if (!same) {
      invalid(node.describe() + " joins the shapes " + shape_text(shape) + " and " +
              shape_text(parts[i]->shape) + " on axis " + std::to_string(axis));
    }
    shape[axis].scale += parts[i]->shape[axis].scale;
  }
  if (integers) {
    Value out;
    out.type = parts[0]->type;
    out.shape = shape;
    out.has_integers = true;
    for (const Value* each : parts) {
      out.integers.insert(out.integers.end(), each->integers.begin(), each->integers.end());
    }
    return output(node, std::move(out));
  }
  Value out = new_value(parts[0]->type, shape);
  int64_t at = 0;
  for (Value* each : parts) {
    Value place = part(out, axis, at, 1, each->shape[axis].scale);
    Step copy;
    copy.views = {place.view, in_memory(each)};
    if (program_->buffers[copy.views[1].buffer].bytes) invalid(node.describe() + " joins uint8");
    program_->steps.push_back(std::move(copy));
    at += each->shape[axis].scale;
  }
  output(node, std::move(out));
}

// Elements start, start + step, ... of an axis; the value is in memory.
Value Planner::part(const Value& in, size_t axis, int64_t start, int64_t step, int64_t extent) {
  Value out = in;
  out.step = -1;
  out.has_integers = false;
  out.tensor = nullptr;
  const Dim stride = in.view.strides[axis];
  (stride.batch ? out.view.offset_batch : out.view.offset) += start * stride.scale;
  if (extent > 1) out.view.strides[axis].scale = stride.scale * step;
  out.shape[axis] = {extent, false};
  out.view.shape = out.shape;
  return out;
}

void Planner::split(const Node& node) {
  Value& in = input(node, 0);
  const size_t axis = axis_of(node.integer("axis", 0), in.shape.size(), node.describe());
  const Dim whole = in.shape[axis];
  if (whole.batch) invalid(node.describe() + " splits the streams");
  std::vector<int64_t> sizes;
  if (has_input(node, 1)) {
    sizes = constant_integers(node, 1);
  } else {
    const auto count = static_cast<int64_t>(node.outputs.size());
    const int64_t size = (whole.scale + count - 1) / count;
    for (int64_t i = 0; i < count; ++i) {
      sizes.push_back(std::min(size, std::max<int64_t>(0, whole.scale - i * size)));
    }
  }
  int64_t sum = 0;
  for (const int64_t size : sizes) {
    if (size < 0 || size > whole.scale) sum = -1;
    if (sum >= 0) sum += size;
  }
  if (sum != whole.scale || sizes.size() != node.outputs.size()) {
    invalid(node.describe() + " splits an extent of " + std::to_string(whole.scale) +
            " into parts of another sum");
  }
  in_memory(&in);
  int64_t at = 0;
  for (size_t i = 0; i < sizes.size(); ++i) {
    Value out = part(in, axis, at, 1, sizes[i]);
    at += sizes[i];
    if (!node.outputs[i].empty()) define(node.outputs[i], std::move(out));
  }
}

void Planner::slice(const Node& node) {
  Value& in = input(node, 0);
  const std::vector<int64_t> starts = constant_integers(node, 1), ends = constant_integers(node, 2);
  std::vector<int64_t> axes, steps;
  if (has_input(node, 3)) axes = constant_integers(node, 3);
  if (has_input(node, 4)) steps = constant_integers(node, 4);
  for (size_t i = axes.size(); i < starts.size(); ++i) axes.push_back(static_cast<int64_t>(i));
  steps.resize(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size()) {
    invalid(node.describe() + " has starts, ends and axes of different lengths");
  }
  Value out = in;
  const bool integers = in.has_integers && in.shape.size() == 1;
  if (!integers) {
    in_memory(&in);
    out = in;
  }
  for (size_t i = 0; i < starts.size(); ++i) {
    const size_t axis = axis_of(axes[i], in.shape.size(), node.describe());
    const int64_t extent = out.shape[axis].scale, step = steps[i];
    if (step == 0 || step < -kMaxElements || step > kMaxElements) {
      invalid(node.describe() + " has step " + std::to_string(step));
    }
    const bool whole = starts[i] == 0 && ends[i] >= kMaxElements && step == 1;
    if (out.shape[axis].batch) {
      if (!whole) invalid(node.describe() + " selects among the streams");
      continue;
    }
    const int64_t low = step > 0 ? 0 : -1, high = step > 0 ? extent : extent - 1;
    const auto clamp = [&](int64_t at) {
      return std::clamp<int64_t>(at < 0 ? std::max(at, -extent - 1) + extent : at, low, high);
    };
    const int64_t start = clamp(starts[i]), end = clamp(ends[i]);
    const int64_t span = step > 0 ? end - start : start - end;
    const int64_t size = span <= 0 ? 0 : (span - 1) / std::abs(step) + 1;
    if (integers) {
      std::vector<Dim> chosen;
      for (int64_t k = 0; k < size; ++k) chosen.push_back(out.integers[start + k * step]);
      out.integers = std::move(chosen);
      out.shape[0] = {size, false};
      out.view = View();
      out.tensor = nullptr;
    } else {
      out = part(out, axis, size == 0 ? 0 : start, step, size);
    }
  }
  out.step = -1;
  output(node, std::move(out));
}

void Planner::gather(const Node& node) {
  Value& in = input(node, 0);
  const Value& wanted = input(node, 1);
  const size_t axis = axis_of(node.integer("axis", 0), in.shape.size(), node.describe());
  const std::vector<int64_t> indices = constant_integers(node, 1);
  const Dim extent = in.shape[axis];
  if (extent.batch) invalid(node.describe() + " selects among the streams");
  std::vector<int64_t> chosen;
  for (const int64_t index : indices) {
    chosen.push_back(
        static_cast<int64_t>(axis_of(index, static_cast<size_t>(extent.scale), node.describe())));
  }
  if (in.has_integers) {
    Value out;
    out.type = in.type;
    out.has_integers = true;
    out.shape = wanted.shape;
    for (const int64_t index : chosen) out.integers.push_back(in.integers.at(index));
    return output(node, std::move(out));
  }
  Shape shape(in.shape.begin(), in.shape.begin() + axis);
  shape.insert(shape.end(), wanted.shape.begin(), wanted.shape.end());
  shape.insert(shape.end(), in.shape.begin() + axis + 1, in.shape.end());
  if (shape.size() > kMaxRank) invalid(node.describe() + " has too many dimensions");
  in_memory(&in);
  Shape joined = in.shape;
  joined[axis] = {static_cast<int64_t>(chosen.size()), false};
  Value out = new_value(in.type, joined);
  for (size_t i = 0; i < chosen.size(); ++i) {
    Step copy;
    copy.views = {part(out, axis, static_cast<int64_t>(i), 1, 1).view,
                  part(in, axis, chosen[i], 1, 1).view};
    if (program_->buffers[in.view.buffer].bytes) invalid(node.describe() + " reads uint8");
    program_->steps.push_back(std::move(copy));
  }
  output(node, reshaped(&out, shape));
}

void Planner::expand(const Node& node) {
  Value& in = input(node, 0);
  const Value& wanted = input(node, 1);
  if (!wanted.has_integers || wanted.integers.size() > kMaxRank) {
    invalid(node.describe() + " has a shape that depends on the model's inputs");
  }
  for (const Dim& each : wanted.integers) {
    if (each.scale < 0) invalid(node.describe() + " has a negative extent");
  }
  const Shape shape = broadcast(in.shape, wanted.integers, node.describe());
  product(shape, node.describe());
  in_memory(&in);
  Value out = in;
  out.step = -1;
  out.has_integers = false;
  out.tensor = nullptr;
  out.view = stretched(in.view, shape);
  out.shape = shape;
  output(node, std::move(out));
}

}  // namespace koemorph::onnx
