// Models and streams through the C API, like the engine plugins.
#include <memory>
#include <string>
#include <vector>

#include "bindings.h"
#include "handles.h"
#include "results.h"

namespace py = pybind11;

namespace koemorph {
namespace {

PyStreamBatch create_batch(const PyModel& model, int capacity) {
  koemorph_stream_batch* batch = nullptr;
  raise_if_failed(koemorph_stream_batch_create(model.handle.get(), capacity, &batch));
  return {decltype(PyStreamBatch::handle)(batch)};
}

bool process_batch(PyStreamBatch& self, const py::list& streams) {
  std::vector<koemorph_stream*> handles;
  for (const py::handle stream : streams) handles.push_back(stream.cast<PyStream&>().handle.get());
  const auto count = static_cast<int32_t>(handles.size());
  koemorph_result result;
  {
    const py::gil_scoped_release unlocked;
    result = koemorph_stream_batch_process(self.handle.get(), handles.data(), count);
  }
  raise_if_failed(result);
  return result == KOEMORPH_OK;
}

PyModel load(const std::string& path, const std::string& onnxruntime_path, int threads) {
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.path = path.c_str();
  config.onnxruntime_path = onnxruntime_path.empty() ? nullptr : onnxruntime_path.c_str();
  config.threads = threads;
  koemorph_model* model = nullptr;
  raise_if_failed(koemorph_model_load(&config, &model));
  return {decltype(PyModel::handle)(model)};
}

PyStream create(const PyModel& model, int sample_rate, int channels, bool worker,
                double buffer_seconds, double history_seconds) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = sample_rate;
  config.channels = channels;
  config.worker = worker ? 1 : 0;
  config.buffer_seconds = buffer_seconds;
  config.history_seconds = history_seconds;
  koemorph_stream* stream = nullptr;
  raise_if_failed(koemorph_stream_create(model.handle.get(), &config, &stream));
  return {decltype(PyStream::handle)(stream)};
}

// samples: (samples,) or (samples, channels), C order.
void push(PyStream& self, const FloatArray& samples, int channels) {
  const auto sample_count = static_cast<int32_t>(samples.size() / channels);
  raise_if_failed(koemorph_stream_push(self.handle.get(), samples.data(), sample_count));
}

bool process(PyStream& self) {
  koemorph_result result;
  {
    const py::gil_scoped_release unlocked;
    result = koemorph_stream_process(self.handle.get());
  }
  raise_if_failed(result);
  return result == KOEMORPH_OK;
}

// All frames not yet pulled: (times (frames,), weights (frames, count)).
py::tuple pull(PyStream& self, int count) {
  std::vector<double> times;
  std::vector<float> weights;
  std::vector<float> frame(count);
  double time = 0.0;
  koemorph_result result;
  while ((result = koemorph_stream_pull(self.handle.get(), frame.data(), count, &time)) ==
         KOEMORPH_OK) {
    times.push_back(time);
    weights.insert(weights.end(), frame.begin(), frame.end());
  }
  raise_if_failed(result);
  const auto frames = static_cast<py::ssize_t>(times.size());
  return py::make_tuple(py::array_t<double>(frames, times.data()),
                        py::array_t<float>({frames, py::ssize_t{count}}, weights.data()));
}

py::array_t<float> sample(PyStream& self, double playback_time, int count) {
  py::array_t<float> weights(count);
  raise_if_failed(
      koemorph_stream_sample(self.handle.get(), playback_time, weights.mutable_data(), count));
  return weights;
}

void set_controls(PyStream& self, const koemorph_controls& controls) {
  raise_if_failed(koemorph_stream_set_controls(self.handle.get(), &controls));
}

void fade_out(PyStream& self, double playback_time, double seconds) {
  raise_if_failed(koemorph_stream_fade_out(self.handle.get(), playback_time, seconds));
}

void fade_in(PyStream& self, double playback_time, double seconds) {
  raise_if_failed(koemorph_stream_fade_in(self.handle.get(), playback_time, seconds));
}

koemorph_stream_info info(const PyStream& self) {
  koemorph_stream_info info{};
  info.size = sizeof info;
  raise_if_failed(koemorph_stream_get_info(self.handle.get(), &info));
  return info;
}

}  // namespace

void bind_model(py::module_& module) {
  module.def("version", &koemorph_version, "The library's version.");

  py::class_<PyModel>(module, "Model", "A loaded model; use koemorph.Model.")
      .def(py::init(&load), py::arg("path"), py::arg("onnxruntime_path"), py::arg("threads") = 1)
      .def(
          "metadata",
          [](const PyModel& self, const char* key) {
            return koemorph_model_metadata(self.handle.get(), key);
          },
          py::arg("key").none(true),
          "Value of a metadata key or None; for None all keys, one per line.");
}

void bind_stream(py::module_& module) {
  py::class_<PyStreamBatch>(module, "StreamBatch",
                            "Streams of one model, computed with shared inference calls.")
      .def(py::init(&create_batch), py::arg("model"), py::arg("capacity"))
      .def("process", &process_batch, py::arg("streams"));

  py::class_<koemorph_stream_info>(module, "StreamInfo")
      .def_readonly("fps", &koemorph_stream_info::fps)
      .def_readonly("latency", &koemorph_stream_info::latency, "s")
      .def_readonly("pushed_samples", &koemorph_stream_info::pushed_samples)
      .def_readonly("dropped_samples", &koemorph_stream_info::dropped_samples)
      .def_readonly("frame_count", &koemorph_stream_info::frame_count)
      .def_readonly("skipped_frames", &koemorph_stream_info::skipped_frames)
      .def("__repr__", [](const koemorph_stream_info& self) {
        return py::str(
                   "StreamInfo(fps={}, latency={:.4f}, pushed_samples={}, dropped_samples={}, "
                   "frame_count={}, skipped_frames={})")
            .format(self.fps, self.latency, self.pushed_samples, self.dropped_samples,
                    self.frame_count, self.skipped_frames);
      });

  py::class_<PyStream>(module, "Stream", "The animation of one voice; use koemorph.Model.stream.")
      .def(py::init(&create), py::arg("model"), py::arg("sample_rate"), py::arg("channels"),
           py::arg("worker"), py::arg("buffer_seconds"), py::arg("history_seconds"))
      .def("push", &push, py::arg("samples"), py::arg("channels"))
      .def(
          "set_input_format",
          [](PyStream& self, int sample_rate, int channels) {
            raise_if_failed(
                koemorph_stream_set_input_format(self.handle.get(), sample_rate, channels));
          },
          py::arg("sample_rate"), py::arg("channels"))
      .def("flush",
           [](PyStream& self) { raise_if_failed(koemorph_stream_flush(self.handle.get())); })
      .def("process", &process)
      .def("pull", &pull, py::arg("count"))
      .def("sample", &sample, py::arg("playback_time"), py::arg("count"))
      .def("set_controls", &set_controls, py::arg("controls"))
      .def("fade_out", &fade_out, py::arg("playback_time"), py::arg("seconds"))
      .def("fade_in", &fade_in, py::arg("playback_time"), py::arg("seconds"))
      .def(
          "reset",
          [](PyStream& self, int sample_rate, int channels) {
            raise_if_failed(koemorph_stream_reset(self.handle.get(), sample_rate, channels));
          },
          py::arg("sample_rate"), py::arg("channels"))
      .def_property_readonly("info", &info);
}

}  // namespace koemorph
