#include "face.h"

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_face(py::module_& module) {
  py::tuple names(kCoefficients);
  for (int i = 0; i < kCoefficients; ++i) names[i] = kCoefficientNames[i];
  module.attr("COEFFICIENTS") = names;
  module.def(
      "coefficient_traits",
      [](const std::string& name) {
        const int index = coefficient_index(name);
        if (index < 0) throw py::key_error(name);
        return py::make_tuple(is_upper_face(index), kCoefficientNames[mirror_of(index)]);
      },
      py::arg("name"), "(belongs to the upper face, name of its mirror image).");
}

}  // namespace koemorph
