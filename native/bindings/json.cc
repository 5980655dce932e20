#include "util/json.h"

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {
namespace {

py::object to_python(const Json& value) {
  switch (value.kind) {
    case Json::Kind::kNull:
      break;
    case Json::Kind::kBoolean:
      return py::bool_(value.boolean);
    case Json::Kind::kNumber:
      return py::float_(value.number);
    case Json::Kind::kString:
      return py::str(value.text);
    case Json::Kind::kArray: {
      py::list list;
      for (const Json& item : value.items) list.append(to_python(item));
      return std::move(list);
    }
    case Json::Kind::kObject: {
      py::dict dict;
      for (const auto& [name, member] : value.members) dict[py::str(name)] = to_python(member);
      return std::move(dict);
    }
  }
  return py::none();
}

}  // namespace

void bind_json(py::module_& module) {
  module.def(
      "parse_json",
      [](const py::bytes& text) {
        Json value;
        raise_if_failed(parse_json(std::string_view(text), &value));
        return to_python(value);
      },
      py::arg("text"),
      "The value in a JSON text (UTF-8 bytes); ValueError says where it is wrong.");
}

}  // namespace koemorph
