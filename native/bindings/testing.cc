// _native.testing: parts of the core that only tests use.
#include <algorithm>
#include <string>

#include "audio/gate.h"
#include "bindings.h"
#include "face/controls_processor.h"
#include "face/face.h"
#include "face/idle_motion.h"
#include "handles.h"
#include "koemorph_debug.h"
#include "results.h"
#include "util/json.h"

namespace py = pybind11;

namespace koemorph {
namespace {

// Applies a stage to frames (frames, 52).
template <typename Stage>
FloatArray apply_all(const FloatArray& frames, Stage apply) {
  if (frames.ndim() != 2 || frames.shape(1) != kBlendshapeCount) {
    throw py::value_error("expected an array of the shape (frames, 52)");
  }
  FloatArray out({frames.shape(0), frames.shape(1)});
  for (py::ssize_t i = 0; i < frames.shape(0); ++i) apply(frames.data(i, 0), out.mutable_data(i));
  return out;
}

void bind_face_stages(py::module_& module) {
  module.def(
      "blendshape_traits",
      [](const std::string& name) {
        const int index = blendshape_index(name);
        if (index < 0) throw py::key_error(name);
        return py::make_tuple(is_upper_face(index), kBlendshapeNames[mirror_of(index)]);
      },
      py::arg("name"), "(belongs to the upper face, name of the mirrored blend shape).");
  py::class_<ControlsProcessor>(module, "ControlsProcessor")
      .def(py::init<int>(), py::arg("fps"))
      .def("reset", &ControlsProcessor::reset)
      .def("set", &ControlsProcessor::set)
      .def("apply", [](ControlsProcessor& self, const FloatArray& frames) {
        return apply_all(frames, [&](const float* in, float* out) { self.apply(in, out); });
      });
  py::class_<IdleMotion>(module, "IdleMotion")
      .def(py::init<int>(), py::arg("fps"))
      .def("reset", &IdleMotion::reset)
      .def("set", &IdleMotion::set)
      .def(
          "apply",
          [](IdleMotion& self, const FloatArray& frames, int64_t first) {
            return apply_all(frames, [&, index = first](const float* in, float* out) mutable {
              std::copy(in, in + kBlendshapeCount, out);
              self.apply(index++, out);
            });
          },
          py::arg("frames"), py::arg("first") = 0);
}

void bind_audio_stages(py::module_& module) {
  py::class_<Gate>(module, "Gate")
      .def(py::init<int>(), py::arg("sample_rate"))
      .def("reset", &Gate::reset)
      .def("set", &Gate::set)
      .def("process",
           [](Gate& self, const FloatArray& samples) {
             FloatArray out(samples.size());
             std::copy(samples.data(), samples.data() + samples.size(), out.mutable_data());
             self.process(out.mutable_data(), static_cast<int>(out.size()));
             return out;
           })
      .def_property_readonly("is_open", &Gate::is_open)
      .def_property_readonly("noise_floor", &Gate::noise_floor)
      .def_property_readonly("gain", &Gate::gain);
}

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

py::array_t<float> tap(PyStream& self, koemorph_debug_stage stage, int count) {
  py::array_t<float> out(count);
  int32_t written = 0;
  raise_if_failed(
      koemorph_debug_tap(self.handle.get(), stage, out.mutable_data(), count, &written));
  return py::array_t<float>(out[py::slice(0, written, 1)]);
}

void bind_debug(py::module_& module) {
  py::enum_<koemorph_debug_stage>(module, "DebugStage")
      .value("INPUT_BLOCK", KOEMORPH_DEBUG_INPUT_BLOCK)
      .value("RESAMPLED_BLOCK", KOEMORPH_DEBUG_RESAMPLED_BLOCK)
      .value("MEL_FRAME", KOEMORPH_DEBUG_MEL_FRAME)
      .value("EGEMAPS_FUNCTIONALS", KOEMORPH_DEBUG_EGEMAPS_FUNCTIONALS)
      .value("POOLED_CONTEXT", KOEMORPH_DEBUG_POOLED_CONTEXT)
      .value("NETWORK_OUTPUT", KOEMORPH_DEBUG_NETWORK_OUTPUT)
      .value("PREVIOUS_WEIGHTS", KOEMORPH_DEBUG_PREVIOUS_WEIGHTS)
      .value("CONTROLLED_WEIGHTS", KOEMORPH_DEBUG_CONTROLLED_WEIGHTS)
      .value("FINAL_WEIGHTS", KOEMORPH_DEBUG_FINAL_WEIGHTS);
  module.def("tap", &tap, py::arg("stream"), py::arg("stage"), py::arg("count"),
             "The latest values of a stage, at most `count`.");
  module.def(
      "parse_json",
      [](const py::bytes& text) {
        Json value;
        raise_if_failed(parse_json(std::string_view(text), &value));
        return to_python(value);
      },
      py::arg("text"), "The value of a JSON text (UTF-8 bytes). Raises ValueError.");
}

}  // namespace

void bind_testing(py::module_& module) {
  py::module_ testing = module.def_submodule("testing", "Not part of the API: for tests only.");
  bind_audio_stages(testing);
  bind_face_stages(testing);
  bind_debug(testing);
}

}  // namespace koemorph
