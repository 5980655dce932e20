#include <algorithm>

#include "model/backend.h"
#include "onnx/graph.h"

namespace koemorph {
namespace {

using Graph = onnx::Graph;

int index_of(const std::vector<Graph::Port>& ports, const std::string& name) {
  const auto found = std::find_if(ports.begin(), ports.end(),
                                  [&](const Graph::Port& port) { return port.name == name; });
  return found == ports.end() ? -1 : static_cast<int>(found - ports.begin());
}

std::string text(const std::vector<int64_t>& shape) {
  std::string out = "(";
  for (const int64_t extent : shape) {
    out += (out.size() > 1 ? ", " : "") + (extent == -1 ? "batch" : std::to_string(extent));
  }
  return out + ")";
}

Status check_ports(const std::vector<Port>& expected, const std::vector<Graph::Port>& found,
                   const char* kind) {
  for (const Port& port : expected) {
    std::vector<int64_t> shape = {port.shared ? 1 : -1};
    shape.insert(shape.end(), port.shape.begin(), port.shape.end());
    const int index = index_of(found, port.name);
    if (index >= 0 && found[index].shape == shape) continue;
    return {KOEMORPH_INVALID_MODEL,
            "Invalid graph: " + std::string(kind) + " \"" + port.name + "\" " +
                (index < 0 ? "is missing" : "has shape " + text(found[index].shape)) +
                ", expected shape " + text(shape) +
                ". Export the model again with koemorph export."};
  }
  return {};
}

class BuiltinSession : public BackendSession {
 public:
  BuiltinSession(std::shared_ptr<const Graph> graph, const Ports& ports, int capacity)
      : session_(graph, capacity) {
    for (const Port& port : ports.inputs) inputs_.push_back(index_of(graph->inputs(), port.name));
    for (const Port& port : ports.outputs) {
      outputs_.push_back(index_of(graph->outputs(), port.name));
    }
  }
  float* input(int index) override { return session_.input(inputs_[index]); }
  const float* output(int index) const override { return session_.output(outputs_[index]); }
  Status run(int count) override { return session_.run(count); }

 private:
  onnx::Session session_;
  std::vector<int> inputs_;  // in the graph
  std::vector<int> outputs_;
};

class BuiltinBackend : public Backend {
 public:
  explicit BuiltinBackend(std::shared_ptr<const Graph> graph) : graph_(std::move(graph)) {}

  const std::map<std::string, std::string>& metadata() const override { return graph_->metadata(); }
  std::vector<std::string> input_names() const override {
    std::vector<std::string> names;
    for (const Graph::Port& port : graph_->inputs()) names.push_back(port.name);
    return names;
  }
  Status check(const Ports& ports) const override {
    const Status status = check_ports(ports.inputs, graph_->inputs(), "input");
    return status.ok() ? check_ports(ports.outputs, graph_->outputs(), "output") : status;
  }
  std::unique_ptr<BackendSession> session(const Ports& ports, int capacity) const override {
    return std::make_unique<BuiltinSession>(graph_, ports, capacity);
  }

 private:
  std::shared_ptr<const Graph> graph_;
};

}  // namespace

size_t Port::size() const {
  size_t size = 1;
  for (const int64_t extent : shape) size *= static_cast<size_t>(extent);
  return size;
}

Status load_builtin(const void* data, size_t size, std::shared_ptr<const Backend>* out,
                    std::string* unsupported) {
  std::shared_ptr<const Graph> graph;
  const Status status = Graph::load(data, size, &graph, unsupported);
  if (status.ok()) *out = std::make_shared<BuiltinBackend>(std::move(graph));
  return status;
}

}  // namespace koemorph
