// Any bytes as an .onnx file for the built-in evaluator; what loads is run.
#include <cstdint>
#include <memory>

#include "onnx/graph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  std::shared_ptr<const koemorph::onnx::Graph> graph;
  if (!koemorph::onnx::Graph::load(data, size, &graph).ok()) return 0;
  koemorph::onnx::Session session(graph, 2);
  for (const int count : {1, 2}) {
    if (!session.run(count).ok()) return 1;
  }
  return 0;
}
