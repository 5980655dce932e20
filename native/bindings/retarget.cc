#include <pybind11/stl.h>

#include "bindings.h"
#include "retarget/retarget_map.h"
#include "retarget/rig_names.h"

namespace py = pybind11;

namespace koemorph {
namespace {

FloatArray apply(const RetargetMap& map, const FloatArray& blendshapes) {
  if (blendshapes.ndim() != 2 || blendshapes.shape(1) != kBlendshapeCount) {
    throw py::value_error("expected an array of the shape (frames, 52)");
  }
  FloatArray weights({blendshapes.shape(0), static_cast<py::ssize_t>(map.size())});
  for (py::ssize_t frame = 0; frame < blendshapes.shape(0); ++frame) {
    map.apply(blendshapes.data(frame, 0), weights.mutable_data(frame), map.size());
  }
  return weights;
}

}  // namespace

void bind_retarget(py::module_& module) {
  py::class_<RetargetMap>(module, "RetargetMap",
                          "A map from the 52 blend shapes to the shapes of a rig.")
      .def(py::init([](const py::bytes& json) {
             RetargetMap map;
             raise_if_failed(RetargetMap::load(std::string_view(json), &map));
             return map;
           }),
           py::arg("json"), "Read a map (UTF-8 bytes). Raises ValueError with the position.")
      .def_property_readonly("name", &RetargetMap::name)
      .def_property_readonly("names",
                             [](const RetargetMap& map) {
                               py::tuple names(map.size());
                               for (int i = 0; i < map.size(); ++i) names[i] = map.output_name(i);
                               return names;
                             })
      .def_property_readonly("driven",
                             [](const RetargetMap& map) {
                               py::tuple driven(map.size());
                               for (int i = 0; i < map.size(); ++i) driven[i] = map.is_driven(i);
                               return driven;
                             })
      .def_property_readonly("unmatched_targets", &RetargetMap::unmatched_targets)
      .def("match_rig", &RetargetMap::match_rig, py::arg("rig_names"))
      .def("apply", &apply, py::arg("blendshapes"),
           "Weights (frames, 52) to (frames, len(names)) float32.");
  module.def("match_shape_names", &match_shape_names, py::arg("wanted"), py::arg("rig"),
             "For each name of a rig the index of the matching wanted name, or -1.");
}

}  // namespace koemorph
