#include "bindings.h"
#include "face/blendshapes.h"

namespace py = pybind11;

namespace koemorph {

void bind_face(py::module_& module) {
  py::tuple names(kBlendshapeCount);
  for (int i = 0; i < kBlendshapeCount; ++i) names[i] = kBlendshapeNames[i];
  module.attr("BLENDSHAPES") = names;
}

}  // namespace koemorph
