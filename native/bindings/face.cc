#include "face/face.h"

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_face(py::module_& module) {
  py::tuple names(kBlendshapeCount);
  for (int i = 0; i < kBlendshapeCount; ++i) names[i] = kBlendshapeNames[i];
  module.attr("BLENDSHAPES") = names;
  module.def(
      "blendshape_traits",
      [](const std::string& name) {
        const int index = blendshape_index(name);
        if (index < 0) throw py::key_error(name);
        return py::make_tuple(is_upper_face(index), kBlendshapeNames[mirror_of(index)]);
      },
      py::arg("name"), "(belongs to the upper face, name of its mirror image).");
}

}  // namespace koemorph
