#include "face/controls.h"

#include <algorithm>

#include "bindings.h"
#include "face/blendshapes.h"
#include "audio/gate.h"
#include "face/idle_motion.h"

namespace py = pybind11;

namespace koemorph {
namespace {

// A field with one entry a blendshape, as an array (52,) that writes through.
template <typename Class, typename Value>
void bind_table(Class& bound, const char* field,
                Value (koemorph_controls::*table)[KOEMORPH_BLENDSHAPE_COUNT]) {
  bound.def_property_readonly(field, [table](py::object self) {
    Value* values = self.cast<koemorph_controls&>().*table;
    return py::array_t<Value>(kBlendshapeCount, values, self);
  });
}

// Applies a stage of frames (T, 52) -> (T, 52).
template <typename Stage>
FloatArray apply_all(const FloatArray& frames, Stage apply) {
  if (frames.ndim() != 2 || frames.shape(1) != kBlendshapeCount) {
    throw py::value_error("frames of 52 blendshapes are needed, (T, 52)");
  }
  FloatArray out({frames.shape(0), frames.shape(1)});
  for (py::ssize_t i = 0; i < frames.shape(0); ++i) apply(frames.data(i, 0), out.mutable_data(i));
  return out;
}

void bind_settings(py::module_& module) {
  py::class_<koemorph_controls> controls(module, "Controls", "koemorph_controls of koemorph.h.");
  controls.def(py::init(&default_controls))
      .def(py::init([](const py::bytes& preset) {
             koemorph_controls read{};
             raise_if_failed(read_preset(std::string_view(preset), &read));
             return read;
           }),
           py::arg("preset"), "Reads a preset (UTF-8 bytes); ValueError says where it is wrong.")
      .def("copy", [](const koemorph_controls& self) { return self; })
      .def("check", [](const koemorph_controls& self) { raise_if_failed(check_controls(self)); })
      .def_readwrite("input_strength", &koemorph_controls::input_strength)
      .def_readwrite("gate", &koemorph_controls::gate)
      .def_readwrite("gate_margin", &koemorph_controls::gate_margin)
      .def_readwrite("gate_hold", &koemorph_controls::gate_hold)
      .def_readwrite("gate_ceiling", &koemorph_controls::gate_ceiling)
      .def_readwrite("auto_gain", &koemorph_controls::auto_gain)
      .def_readwrite("auto_gain_target", &koemorph_controls::auto_gain_target)
      .def_readwrite("auto_gain_limit", &koemorph_controls::auto_gain_limit)
      .def_readwrite("upper_strength", &koemorph_controls::upper_strength)
      .def_readwrite("lower_strength", &koemorph_controls::lower_strength)
      .def_readwrite("upper_smoothing", &koemorph_controls::upper_smoothing)
      .def_readwrite("lower_smoothing", &koemorph_controls::lower_smoothing)
      .def_readwrite("symmetry", &koemorph_controls::symmetry)
      .def_readwrite("lip_close_offset", &koemorph_controls::lip_close_offset)
      .def_readwrite("eyelid_offset", &koemorph_controls::eyelid_offset)
      .def_readwrite("transition_seconds", &koemorph_controls::transition_seconds)
      .def_readwrite("blink", &koemorph_controls::blink)
      .def_readwrite("blinks_per_minute", &koemorph_controls::blinks_per_minute)
      .def_readwrite("saccades", &koemorph_controls::saccades)
      .def_readwrite("brow_accents", &koemorph_controls::brow_accents)
      .def_readwrite("idle", &koemorph_controls::idle)
      .def_readwrite("seed", &koemorph_controls::seed);
  bind_table(controls, "multiplier", &koemorph_controls::multiplier);
  bind_table(controls, "offset", &koemorph_controls::offset);
  bind_table(controls, "minimum", &koemorph_controls::minimum);
  bind_table(controls, "maximum", &koemorph_controls::maximum);
  bind_table(controls, "active", &koemorph_controls::active);
  bind_table(controls, "cancel_group", &koemorph_controls::cancel_group);
}

}  // namespace

void bind_controls(py::module_& module) {
  bind_settings(module);
  py::class_<Controls>(module, "ControlsStage")
      .def(py::init<int>(), py::arg("fps"))
      .def("reset", &Controls::reset)
      .def("set", &Controls::set)
      .def("apply", [](Controls& self, const FloatArray& frames) {
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

}  // namespace koemorph
