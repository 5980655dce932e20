#include "features/mel.h"

#include <pybind11/stl.h>

#include "bindings.h"

namespace py = pybind11;

namespace koemorph {

void bind_mel(py::module_& module) {
  py::class_<MelConfig>(module, "MelConfig",
                        "Settings of the mel spectrum, part of a model's metadata.")
      .def(py::init<>())
      .def_property(
          "sample_rate", [](const MelConfig& self) { return self.clock.sample_rate; },
          [](MelConfig& self, int value) { self.clock.sample_rate = value; }, "Hz")
      .def_property(
          "fps", [](const MelConfig& self) { return self.clock.fps; },
          [](MelConfig& self, int value) { self.clock.fps = value; })
      .def_property(
          "lookahead_frames", [](const MelConfig& self) { return self.clock.lookahead_frames; },
          [](MelConfig& self, int value) { self.clock.lookahead_frames = value; })
      .def_readwrite("bands", &MelConfig::bands)
      .def_readwrite("low_hz", &MelConfig::low_hz)
      .def_readwrite("high_hz", &MelConfig::high_hz)
      .def_readwrite("window", &MelConfig::window)
      .def_readwrite("floor", &MelConfig::floor)
      .def_readwrite("offset", &MelConfig::offset)
      .def_readwrite("scale", &MelConfig::scale)
      .def_readwrite("detail_frames", &MelConfig::detail_frames)
      .def_readwrite("detail_window", &MelConfig::detail_window)
      .def_readwrite("detail_hop", &MelConfig::detail_hop)
      .def(
          "end_sample", [](const MelConfig& self, int64_t k) { return self.clock.end_sample(k); },
          py::arg("k"), "Number of samples from time 0 that frame k needs.")
      .def(
          "frames_in",
          [](const MelConfig& self, int64_t sample_count, int sample_rate) {
            return self.clock.frames_in(sample_count, sample_rate);
          },
          py::arg("sample_count"), py::arg("sample_rate"),
          "Number of frames of this audio: round(duration * fps).");

  py::class_<Mel>(module, "Mel", "Streaming log-mel frames at exact times.")
      .def(py::init<const MelConfig&>(), py::arg("config"))
      .def(
          "push",
          [](Mel& self, const FloatArray& samples) {
            const MelConfig& config = self.config();
            std::vector<float> frames;
            std::vector<float> details;
            const float* in = samples.data();
            auto left = static_cast<int>(samples.size());
            while (left > 0) {
              const int taken = self.push(in, left);
              in += taken;
              left -= taken;
              if (!self.ready()) continue;
              const float* frame = self.frame();
              frames.insert(frames.end(), frame, frame + config.bands);
              const float* detail = self.detail();
              details.insert(details.end(), detail, detail + config.detail_frames * config.bands);
              self.next();
            }
            const auto count = static_cast<py::ssize_t>(frames.size()) / config.bands;
            py::array_t<float> mel({count, py::ssize_t{config.bands}}, frames.data());
            py::array_t<float> detail(
                {count, py::ssize_t{config.detail_frames}, py::ssize_t{config.bands}},
                details.data());
            return py::make_tuple(mel, detail);
          },
          py::arg("samples"),
          "Take samples (samples,). Returns (mel (frames, bands), detail (frames, detail_frames, "
          "bands)) of the frames completed by them.")
      .def("reset", &Mel::reset, py::arg("at_sample") = 0);
}

}  // namespace koemorph
