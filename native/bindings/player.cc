// Players through the C API, like the engine plugins.
#include "bindings.h"
#include "handles.h"
#include "results.h"

namespace py = pybind11;

namespace koemorph {
namespace {

PyPlayer create(const PyModel& model, int sample_rate, int channels, bool worker) {
  koemorph_player_config config;
  koemorph_player_config_init(&config);
  config.sample_rate = sample_rate;
  config.channels = channels;
  config.worker = worker ? 1 : 0;
  koemorph_player* player = nullptr;
  raise_if_failed(koemorph_player_create(model.handle.get(), &config, &player));
  return {decltype(PyPlayer::handle)(player)};
}

// samples: (samples,) or (samples, channels), C order. False: replaced by silence.
bool feed(PyPlayer& self, const FloatArray& samples, int channels, int sample_rate, double now) {
  const auto sample_count = static_cast<int32_t>(samples.size() / channels);
  const koemorph_result result = koemorph_player_feed(self.handle.get(), samples.data(),
                                                      sample_count, sample_rate, channels, now);
  raise_if_failed(result);
  return result == KOEMORPH_OK;
}

void update(PyPlayer& self, double now, bool paused) {
  raise_if_failed(koemorph_player_update(self.handle.get(), now,
                                         paused ? KOEMORPH_PAUSE_ALL : KOEMORPH_PAUSE_NONE));
}

bool process(PyPlayer& self) {
  koemorph_result result;
  {
    const py::gil_scoped_release unlocked;
    result = koemorph_stream_process(koemorph_player_stream(self.handle.get()));
  }
  raise_if_failed(result);
  return result == KOEMORPH_OK;
}

py::array_t<float> sample(PyPlayer& self, int count) {
  py::array_t<float> weights(count);
  raise_if_failed(koemorph_player_sample(self.handle.get(), weights.mutable_data(), count));
  return weights;
}

koemorph_player_state state(const PyPlayer& self) {
  koemorph_player_state state{};
  state.size = sizeof state;
  raise_if_failed(koemorph_player_get_state(self.handle.get(), &state));
  return state;
}

koemorph_stream_info info(const PyPlayer& self) {
  koemorph_stream_info info{};
  info.size = sizeof info;
  raise_if_failed(koemorph_stream_get_info(koemorph_player_stream(self.handle.get()), &info));
  return info;
}

}  // namespace

void bind_player(py::module_& module) {
  py::class_<koemorph_player_state>(module, "PlayerState")
      .def_property_readonly("speaking",
                             [](const koemorph_player_state& s) { return s.speaking != 0; })
      .def_property_readonly("paused", [](const koemorph_player_state& s) { return s.paused != 0; })
      .def_readonly("sample_rate", &koemorph_player_state::sample_rate)
      .def_readonly("channels", &koemorph_player_state::channels)
      .def_readonly("playback_time", &koemorph_player_state::playback_time, "s")
      .def_readonly("latency", &koemorph_player_state::latency, "s")
      .def_readonly("end_time", &koemorph_player_state::end_time, "s");

  py::class_<PyPlayer>(module, "Player",
                       "A stream in sync with an audio source; use koemorph.Model.player.")
      .def(py::init(&create), py::arg("model"), py::arg("sample_rate"), py::arg("channels"),
           py::arg("worker"))
      .def("feed", &feed, py::arg("samples"), py::arg("channels"), py::arg("sample_rate"),
           py::arg("now"))
      .def("update", &update, py::arg("now"), py::arg("paused"))
      .def("process", &process)
      .def("sample", &sample, py::arg("count"))
      .def(
          "set_latency",
          [](PyPlayer& self, double output_latency, double delay) {
            raise_if_failed(koemorph_player_set_latency(self.handle.get(), output_latency, delay));
          },
          py::arg("output_latency"), py::arg("delay"))
      .def(
          "set_controls",
          [](PyPlayer& self, const koemorph_controls& controls) {
            raise_if_failed(koemorph_player_set_controls(self.handle.get(), &controls));
          },
          py::arg("controls"))
      .def(
          "fade_out",
          [](PyPlayer& self, double seconds) {
            raise_if_failed(koemorph_player_fade_out(self.handle.get(), seconds));
          },
          py::arg("seconds"))
      .def(
          "fade_in",
          [](PyPlayer& self, double seconds) {
            raise_if_failed(koemorph_player_fade_in(self.handle.get(), seconds));
          },
          py::arg("seconds"))
      .def("stop", [](PyPlayer& self) { raise_if_failed(koemorph_player_stop(self.handle.get())); })
      .def("reset",
           [](PyPlayer& self) { raise_if_failed(koemorph_player_reset(self.handle.get())); })
      .def_property_readonly("state", &state)
      .def_property_readonly("info", &info);
}

}  // namespace koemorph
