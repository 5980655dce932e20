#include "onnx/planner.h"

#include <algorithm>
#include <set>

namespace koemorph::onnx {
namespace {

// A bound on what one stream may take, in floats.
constexpr int64_t kMaxActivations = int64_t{1} << 26;
constexpr int64_t kMaxWork = int64_t{1} << 28;

void collect_reads(const GraphDef& graph, std::vector<std::string>* names) {
  for (const Node& node : graph.nodes) {
    names->insert(names->end(), node.inputs.begin(), node.inputs.end());
    for (const Attribute& attribute : node.attributes) {
      for (const GraphDef& inner : attribute.graphs) collect_reads(inner, names);
    }
  }
  for (const ValueInfo& each : graph.outputs) names->push_back(each.name);
}

std::vector<std::string> reads_of(const Node& node) {
  std::vector<std::string> names = node.inputs;
  for (const Attribute& attribute : node.attributes) {
    for (const GraphDef& inner : attribute.graphs) collect_reads(inner, &names);
  }
  return names;
}

}  // namespace

std::vector<const Node*> sorted(const GraphDef& graph) {
  std::unordered_map<std::string, size_t> writers;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& name : graph.nodes[i].outputs) {
      if (!name.empty() && !writers.emplace(name, i).second) {
        invalid(graph.nodes[i].describe() + " writes \"" + name + "\", which another node writes");
      }
    }
  }
  std::vector<std::vector<size_t>> readers(graph.nodes.size());
  std::vector<size_t> missing(graph.nodes.size());
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    for (const std::string& name : reads_of(graph.nodes[i])) {
      const auto writer = writers.find(name);
      if (writer == writers.end()) continue;
      readers[writer->second].push_back(i);
      ++missing[i];
    }
  }
  // Of the nodes that are ready, the first of the file comes first.
  std::set<size_t> ready;
  for (size_t i = 0; i < missing.size(); ++i) {
    if (missing[i] == 0) ready.insert(i);
  }
  std::vector<const Node*> order;
  while (!ready.empty()) {
    const size_t i = *ready.begin();
    ready.erase(ready.begin());
    order.push_back(&graph.nodes[i]);
    for (const size_t reader : readers[i]) {
      if (--missing[reader] == 0) ready.insert(reader);
    }
  }
  if (order.size() != graph.nodes.size()) invalid("the graph's nodes form a cycle");
  return order;
}

void Planner::count_uses(const GraphDef& graph) {
  std::vector<std::string> names;
  collect_reads(graph, &names);
  for (const std::string& name : names) ++uses_[name];
}

Value* Planner::find(const std::string& name) {
  for (auto scope = scopes_.rbegin(); scope != scopes_.rend(); ++scope) {
    const auto found = scope->find(name);
    if (found != scope->end()) return &found->second;
  }
  return nullptr;
}

bool Planner::has_input(const Node& node, size_t index) const {
  return index < node.inputs.size() && !node.inputs[index].empty();
}

Value& Planner::input(const Node& node, size_t index) {
  if (!has_input(node, index)) {
    invalid(node.describe() + " has no input " + std::to_string(index));
  }
  Value* value = find(node.inputs[index]);
  if (value == nullptr) {
    invalid(node.describe() + " reads \"" + node.inputs[index] + "\", which nothing writes");
  }
  return *value;
}

void Planner::define(const std::string& name, Value value) {
  const auto uses = uses_.find(name);
  value.once = uses != uses_.end() && uses->second == 1;
  if (!scopes_.back().emplace(name, std::move(value)).second) {
    invalid("the graph defines \"" + name + "\" twice");
  }
}

// A value in a buffer of its own.
Value Planner::new_value(Type type, const Shape& shape, bool bytes) {
  Value value;
  value.type = type;
  value.shape = shape;
  Buffer buffer;
  buffer.size = product(shape, "an intermediate result");
  buffer.bytes = bytes;
  value.view.buffer = static_cast<int>(program_->buffers.size());
  value.view.shape = shape;
  value.view.strides = contiguous(shape);
  program_->buffers.push_back(buffer);
  return value;
}

Value Planner::copied(const Value& source) {
  Value out = new_value(source.type, source.shape);
  if (program_->buffers[source.view.buffer].bytes) invalid("uint8 tensors cannot be rearranged");
  Step step;
  step.views = {out.view, source.view};
  program_->steps.push_back(std::move(step));
  return out;
}

// Where the value is; constants are read from the file the first time.
const View& Planner::in_memory(Value* value) {
  if (value->view.buffer >= 0) return value->view;
  std::vector<float> data;
  if (value->tensor != nullptr) {
    data = value->tensor->to_floats();
  } else if (value->has_integers) {
    for (const Dim& each : value->integers) {
      if (each.batch) invalid("a number of streams is used as a value");
      data.push_back(static_cast<float>(each.scale));
    }
  } else {
    invalid("a value that is not a tensor is used as one");
  }
  Buffer buffer;
  buffer.size = {static_cast<int64_t>(data.size()), false};
  buffer.constant = static_cast<int>(program_->constants.size());
  program_->constants.push_back(std::move(data));
  value->view.buffer = static_cast<int>(program_->buffers.size());
  value->view.shape = value->shape;
  value->view.strides = contiguous(value->shape);
  program_->buffers.push_back(buffer);
  return value->view;
}

void Planner::plan_nodes(const GraphDef& graph) {
  const GraphDef* outer = graph_;
  graph_ = &graph;
  for (const Tensor& tensor : graph.initializers) {
    Value value;
    value.type = tensor.type;
    for (const int64_t extent : tensor.dims) value.shape.push_back({extent, false});
    value.tensor = &tensor;
    const bool integer = tensor.type == Type::kInt64 || tensor.type == Type::kInt32;
    if (integer && tensor.dims.size() <= 1 && tensor.count() <= 4096) {
      value.has_integers = true;
      for (const int64_t each : tensor.to_integers()) value.integers.push_back({each, false});
    }
    define(tensor.name, std::move(value));
  }
  for (const Node* node : sorted(graph)) plan_node(graph, *node);
  graph_ = outer;
}

void Planner::plan_node(const GraphDef&, const Node& node) {
  if (node.outputs.empty()) invalid(node.describe() + " has no output");
  if (scopes_.back().count(node.outputs[0]) != 0) return;  // computed with an earlier node
  const auto handler = handlers().find(node.op);
  if (handler == handlers().end()) throw UnsupportedOperator{node.op};
  (this->*handler->second)(node);
}

void Planner::plan_if(const Node& node) {
  Value& condition = input(node, 0);
  if (product(condition.shape, node.describe()) != Dim{1, false}) {
    invalid(node.describe() + " has a condition of shape " + shape_text(condition.shape) +
            ", one value was expected");
  }
  std::vector<Value> results;
  const int outer = block_;
  std::vector<Step>& steps = program_->steps;
  Step branch;
  branch.kind = Step::kBranch;
  branch.views = {in_memory(&condition)};
  int jump = static_cast<int>(steps.size());
  steps.push_back(std::move(branch));
  for (const char* side : {"then_branch", "else_branch"}) {
    const Attribute* attribute = node.find(side);
    if (attribute == nullptr || attribute->graphs.empty()) {
      invalid(node.describe() + " has no " + side);
    }
    const GraphDef& graph = attribute->graphs[0];
    if (graph.outputs.size() != node.outputs.size()) {
      invalid(node.describe() + " has " + std::to_string(graph.outputs.size()) + " results in " +
              side + ", " + std::to_string(node.outputs.size()) + " were expected");
    }
    block_ = ++blocks_;
    scopes_.emplace_back();
    plan_nodes(graph);
    for (size_t i = 0; i < graph.outputs.size(); ++i) {
      Value* value = find(graph.outputs[i].name);
      if (value == nullptr) invalid(node.describe() + ": nothing writes " + graph.outputs[i].name);
      if (results.size() == i) results.push_back(new_value(value->type, value->shape));
      if (results[i].shape != value->shape) {
        invalid(node.describe() + " has branches of shapes " + shape_text(results[i].shape) +
                " and " + shape_text(value->shape));
      }
      Step copy;
      copy.views = {results[i].view, in_memory(value)};
      if (program_->buffers[copy.views[1].buffer].bytes) invalid(node.describe() + " has bytes");
      steps.push_back(std::move(copy));
    }
    scopes_.pop_back();
    const bool first = std::string(side) == "then_branch";
    if (first) {
      Step over;
      over.kind = Step::kJump;
      steps.push_back(std::move(over));
    }
    steps[jump].target = static_cast<int>(steps.size());
    if (first) jump = static_cast<int>(steps.size()) - 1;
  }
  block_ = outer;
  for (size_t i = 0; i < results.size(); ++i) define(node.outputs[i], results[i]);
}

void Planner::run() {
  const GraphDef& graph = file_.graph;
  count_uses(graph);
  scopes_.emplace_back();
  std::set<std::string> constants;
  for (const Tensor& tensor : graph.initializers) constants.insert(tensor.name);
  for (const ValueInfo& info : graph.inputs) {
    if (constants.count(info.name) != 0) continue;  // an old way to write a default
    if (!info.has_shape || (info.type != Type::kFloat)) {
      invalid("input \"" + info.name + "\" is " + type_name(info.type) +
              (info.has_shape ? "" : " without a shape") + ", float with a shape was expected");
    }
    Shape shape;
    for (size_t i = 0; i < info.dims.size(); ++i) {
      const int64_t extent = info.dims[i];
      if ((extent <= 0 && i > 0) || extent > kMaxElements) {
        invalid("input \"" + info.name + "\" has no usable extent on axis " + std::to_string(i) +
                ", only the first axis may be variable");
      }
      shape.push_back(extent <= 0 ? Dim{1, true} : Dim{extent, false});
    }
    Value value = new_value(info.type, shape);
    program_->buffers.back().persistent = true;
    program_->inputs.push_back({info.name, value.view});
    define(info.name, std::move(value));
  }
  plan_nodes(graph);
  for (const ValueInfo& info : graph.outputs) {
    Value* value = find(info.name);
    if (value == nullptr) invalid("nothing writes the output \"" + info.name + "\"");
    View view = in_memory(value);
    const Buffer& buffer = program_->buffers[view.buffer];
    if (buffer.persistent || buffer.constant >= 0 || view.offset != 0 || view.offset_batch != 0 ||
        view.strides != contiguous(view.shape)) {
      view = copied(*value).view;
    }
    if (program_->buffers[view.buffer].bytes) {
      invalid("output \"" + info.name + "\" is uint8, float was expected");
    }
    program_->buffers[view.buffer].persistent = true;
    program_->outputs.push_back({info.name, view});
  }
  finish();
}

// Drops the steps that others have taken over, and finds how long each buffer lives.
void Planner::finish() {
  std::vector<Step>& steps = program_->steps;
  std::vector<int> moved(steps.size() + 1);
  int next = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    moved[i] = next;
    if (!steps[i].dead) ++next;
  }
  moved[steps.size()] = next;
  for (Step& step : steps) step.target = moved[step.target];
  steps.erase(std::remove_if(steps.begin(), steps.end(), [](const Step& s) { return s.dead; }),
              steps.end());
  for (size_t i = 0; i < steps.size(); ++i) {
    for (const View& view : steps[i].views) {
      Buffer& buffer = program_->buffers[view.buffer];
      if (buffer.first < 0) buffer.first = static_cast<int>(i);
      buffer.last = static_cast<int>(i);
    }
  }
  int64_t total = 0;
  for (const Step& step : steps) {
    for (const View& view : step.views) total += product(view.shape, "a step").scale;
  }
  if (total > kMaxWork) {
    invalid("the graph reads and writes " + std::to_string(total) + " values per frame, at most " +
            std::to_string(kMaxWork) + " were expected");
  }
  total = 0;
  for (const Buffer& buffer : program_->buffers) {
    if (buffer.constant < 0 && (buffer.first >= 0 || buffer.persistent)) total += buffer.size.scale;
  }
  if (total > kMaxActivations || program_->scratch > kMaxActivations) {
    invalid("the graph needs " + std::to_string(total) + " intermediate values, at most " +
            std::to_string(kMaxActivations) + " were expected");
  }
}

}  // namespace koemorph::onnx
