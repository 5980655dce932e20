#include "face/controls.h"

#include <pybind11/stl.h>

#include "bindings.h"
#include "face/blendshapes.h"
#include "face/controls_table.h"

namespace py = pybind11;

namespace koemorph {
namespace {

template <typename Value>
py::object array_view(py::object self, char* address) {
  return py::array_t<Value>(kBlendshapeCount, reinterpret_cast<Value*>(address), self);
}

// A field of the table as an attribute: a number, or for a field with one value per blend shape an
// array (52,) that writes through.
void bind_field(py::class_<koemorph_controls>& controls, const ControlField& field) {
  if (field.per_blendshape) {
    controls.def_property_readonly(field.name, [&field](py::object self) {
      char* address = reinterpret_cast<char*>(&self.cast<koemorph_controls&>()) + field.offset;
      return field.type == KOEMORPH_CONTROL_NUMBER ? array_view<float>(self, address)
                                                   : array_view<uint8_t>(self, address);
    });
    return;
  }
  controls.def_property(
      field.name,
      [&field](const koemorph_controls& self) -> py::object {
        const double value = get_control(self, field, 0);
        if (field.type == KOEMORPH_CONTROL_NUMBER) return py::float_(value);
        return py::int_(static_cast<int64_t>(value));
      },
      [&field](koemorph_controls& self, const py::object& value) {
        const bool is_number = field.type == KOEMORPH_CONTROL_NUMBER;
        // Numbers are checked by check(); integers out of range cannot be stored.
        const double number =
            is_number ? value.cast<double>() : static_cast<double>(value.cast<int64_t>());
        if (!is_number && !(number >= field.minimum && number <= field.maximum)) {
          throw py::value_error(std::string(field.name) + " out of range");
        }
        set_control(&self, field, 0, number);
      });
}

}  // namespace

void bind_controls(py::module_& module) {
  py::class_<koemorph_controls> controls(module, "Controls", "koemorph_controls of koemorph.h.");
  controls.def(py::init(&default_controls))
      .def(py::init([](const py::bytes& preset) {
             koemorph_controls read{};
             raise_if_failed(read_preset(std::string_view(preset), &read));
             return read;
           }),
           py::arg("preset"), "Read a preset (UTF-8 bytes). Raises ValueError with the position.")
      .def("copy", [](const koemorph_controls& self) { return self; })
      .def("check", [](const koemorph_controls& self) { raise_if_failed(check_controls(self)); });
  for (const ControlField& field : kControlFields) bind_field(controls, field);

  py::class_<ControlField>(module, "ControlInfo", "Description of one field of Controls.")
      .def_readonly("name", &ControlField::name)
      .def_readonly("unit", &ControlField::unit)
      .def_readonly("minimum", &ControlField::minimum)
      .def_readonly("maximum", &ControlField::maximum)
      .def_readonly("default", &ControlField::default_value)
      .def_readonly("description", &ControlField::description)
      .def_readonly("per_blendshape", &ControlField::per_blendshape)
      .def_property_readonly("type", [](const ControlField& self) {
        constexpr const char* kTypes[] = {"number", "switch", "integer"};
        return kTypes[self.type];
      });
  module.def(
      "control_info",
      [] {
        return std::vector<ControlField>(std::begin(kControlFields), std::end(kControlFields));
      },
      "Descriptions of all fields of Controls, in order.");
}

}  // namespace koemorph
