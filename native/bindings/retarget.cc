#include "retarget/retarget_map.h"

#include <pybind11/stl.h>

#include "bindings.h"
#include "retarget/rig_names.h"

namespace py = pybind11;

namespace koemorph {
namespace {

FloatArray apply(const RetargetMap& map, const FloatArray& blendshapes) {
  if (blendshapes.ndim() != 2 || blendshapes.shape(1) != kBlendshapeCount) {
    throw py::value_error("retarget takes frames of 52 blendshapes, (T, 52)");
  }
  FloatArray weights({blendshapes.shape(0), static_cast<py::ssize_t>(map.size())});
  for (py::ssize_t frame = 0; frame < blendshapes.shape(0); ++frame) {
    map.apply(blendshapes.data(frame, 0), weights.mutable_data(frame), map.size());
  }
  return weights;
}

}  // namespace

void bind_retarget(py::module_& module) {
  py::class_<RetargetMap>(module, "RetargetMap", "A map from the 52 blendshapes to a rig's own shapes.")
      .def(py::init([](const py::bytes& json) {
             RetargetMap map;
             raise_if_failed(RetargetMap::load(std::string_view(json), &map));
             return map;
           }),
           py::arg("json"), "Reads a map (UTF-8 bytes); ValueError says where it is wrong.")
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
      .def("apply", &apply, py::arg("blendshapes"), "(T, 52) -> (T, len(names)) float32.");
  module.def("match_shape_names", &match_shape_names, py::arg("wanted"), py::arg("rig"),
             "For each of a rig's names the index of the wanted name it stands for, or -1.");
}

}  // namespace koemorph
