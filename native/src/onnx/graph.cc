#include "onnx/graph.h"

#include <new>

#include "onnx/planner.h"

namespace koemorph::onnx {
namespace {

std::vector<Graph::Port> ports_of(const std::vector<Port>& ports) {
  std::vector<Graph::Port> out;
  for (const Port& port : ports) {
    std::vector<int64_t> shape;
    for (const Dim& extent : port.view.shape) {
      shape.push_back(extent.batch ? -extent.scale : extent.scale);
    }
    out.push_back({port.name, std::move(shape)});
  }
  return out;
}

Status failure(const std::string& message, const char* advice) {
  return {KOEMORPH_INVALID_MODEL,
          "The file is not a model that can be evaluated: " + message + ". " + advice};
}

}  // namespace

Graph::Graph() : program_(new Program) {}
Graph::~Graph() = default;

Status Graph::load(const void* data, size_t size, std::shared_ptr<const Graph>* out,
                   std::string* unsupported) {
  if (unsupported != nullptr) unsupported->clear();
  try {
    ModelFile file = parse_model({static_cast<const uint8_t*>(data), size});
    std::shared_ptr<Graph> graph(new Graph);
    Planner(file, graph->program_.get()).run();
    graph->inputs_ = ports_of(graph->program_->inputs);
    graph->outputs_ = ports_of(graph->program_->outputs);
    graph->metadata_ = std::move(file.metadata);
    *out = std::move(graph);
    return {};
  } catch (const InvalidModel& error) {
    return failure(error.message, "Export it again with koemorph export.");
  } catch (const UnsupportedOperator& error) {
    if (unsupported != nullptr) *unsupported = error.op;
    return failure("the operator \"" + error.op.substr(0, 200) + "\" is not supported",
                   "Give the path of ONNX Runtime's library in onnxruntime_path, or export the "
                   "model again with koemorph export.");
  } catch (const std::bad_alloc&) {
    return {KOEMORPH_OUT_OF_MEMORY, "There is not enough memory to load the model."};
  }
}

}  // namespace koemorph::onnx
