// The evaluator of ONNX graphs, in _native.testing except for the names of its kernel sets.
#include <pybind11/stl.h>

#include <chrono>
#include <cstring>
#include <string>

#include "bindings.h"
#include "onnx/graph.h"
#include "onnx/kernels.h"

namespace py = pybind11;

namespace koemorph {
namespace {

using Graph = onnx::Graph;
using Session = onnx::Session;
using Ports = std::vector<std::pair<std::string, std::vector<int64_t>>>;

std::shared_ptr<Graph> load(const py::bytes& data) {
  const std::string bytes = data;
  std::shared_ptr<const Graph> graph;
  raise_if_failed(Graph::load(bytes.data(), bytes.size(), &graph));
  return std::const_pointer_cast<Graph>(graph);
}

Ports ports_of(const std::vector<Graph::Port>& ports) {
  Ports out;
  for (const Graph::Port& port : ports) out.emplace_back(port.name, port.shape);
  return out;
}

std::vector<const onnx::Kernels*> kernel_sets() {
  int count = 0;
  const onnx::Kernels* const* sets = onnx::available_kernels(&count);
  return {sets, sets + count};
}

std::vector<std::string> kernel_names() {
  std::vector<std::string> names;
  for (const onnx::Kernels* each : kernel_sets()) names.emplace_back(each->name);
  return names;
}

std::unique_ptr<Session> make_session(std::shared_ptr<Graph> graph, int capacity,
                                      const std::string& kernels) {
  for (const onnx::Kernels* each : kernel_sets()) {
    if (kernels == each->name) return std::make_unique<Session>(graph, capacity, each);
  }
  if (!kernels.empty()) throw py::value_error("no kernels \"" + kernels + "\"");
  return std::make_unique<Session>(graph, capacity);
}

std::vector<py::ssize_t> shape_for(const Graph::Port& port, int count) {
  std::vector<py::ssize_t> shape;
  for (const int64_t extent : port.shape) shape.push_back(extent < 0 ? -extent * count : extent);
  return shape;
}

py::list run(Session& self, const Graph& graph, const std::vector<FloatArray>& inputs, int count) {
  if (inputs.size() != graph.inputs().size()) throw py::value_error("wrong number of inputs");
  if (count < 1 || count > self.capacity()) throw py::value_error("wrong number of streams");
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::vector<py::ssize_t> shape = shape_for(graph.inputs()[i], count);
    if (shape !=
        std::vector<py::ssize_t>(inputs[i].shape(), inputs[i].shape() + inputs[i].ndim())) {
      throw py::value_error("input " + graph.inputs()[i].name + " has another shape");
    }
    std::memcpy(self.input(static_cast<int>(i)), inputs[i].data(), inputs[i].nbytes());
  }
  raise_if_failed(self.run(count));
  py::list outputs;
  for (size_t i = 0; i < graph.outputs().size(); ++i) {
    outputs.append(
        py::array_t<float>(shape_for(graph.outputs()[i], count), self.output(static_cast<int>(i))));
  }
  return outputs;
}

// Seconds of each of `times` runs with the inputs as they are.
std::vector<double> timed(Session& self, int count, int times) {
  std::vector<double> seconds;
  for (int i = 0; i < times; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    raise_if_failed(self.run(count));
    seconds.push_back(
        std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
  }
  return seconds;
}

}  // namespace

void bind_onnx(py::module_& module) {
  module.def("onnx_kernels", &kernel_names, "The kernel sets of this processor, best first.");

  py::module_ testing = module.def_submodule("testing");
  py::class_<Graph, std::shared_ptr<Graph>>(testing, "OnnxGraph", "A graph.")
      .def(py::init(&load), py::arg("data"))
      .def_property_readonly("inputs", [](const Graph& self) { return ports_of(self.inputs()); })
      .def_property_readonly("outputs", [](const Graph& self) { return ports_of(self.outputs()); })
      .def_property_readonly("metadata", &Graph::metadata);

  py::class_<Session>(testing, "OnnxSession", "Memory to run a graph in.")
      .def(py::init(&make_session), py::arg("graph"), py::arg("capacity"), py::arg("kernels") = "")
      .def("run", &run, py::arg("graph"), py::arg("inputs"), py::arg("count"))
      .def("timed", &timed, py::arg("count"), py::arg("times"))
      .def_property_readonly("memory", &Session::memory);
}

}  // namespace koemorph
