// The binding of models and streams goes through the C ABI, as every engine does.
#include <memory>
#include <string>
#include <vector>

#include "bindings.h"
#include "koemorph_debug.h"
#include "results.h"

namespace py = pybind11;

namespace koemorph {
namespace {

struct ModelDeleter {
  void operator()(koemorph_model* model) const { koemorph_model_destroy(model); }
};
struct StreamDeleter {
  void operator()(koemorph_stream* stream) const { koemorph_stream_destroy(stream); }
};
using ModelHandle = std::unique_ptr<koemorph_model, ModelDeleter>;
using StreamHandle = std::unique_ptr<koemorph_stream, StreamDeleter>;

struct PyModel {
  ModelHandle handle;
};
struct PyStream {
  StreamHandle handle;
};
struct StreamBatchDeleter {
  void operator()(koemorph_stream_batch* batch) const { koemorph_stream_batch_destroy(batch); }
};
struct PyStreamBatch {
  std::unique_ptr<koemorph_stream_batch, StreamBatchDeleter> handle;
};

PyStreamBatch gather(const PyModel& model, int capacity) {
  koemorph_stream_batch* batch = nullptr;
  raise_if_failed(koemorph_stream_batch_create(model.handle.get(), capacity, &batch));
  return {std::unique_ptr<koemorph_stream_batch, StreamBatchDeleter>(batch)};
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
  return {ModelHandle(model)};
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
  return {StreamHandle(stream)};
}

// interleaved: samples of all channels; their count is the number of sample frames times channels.
void push(PyStream& self, const FloatArray& interleaved, int channels) {
  const auto sample_count = static_cast<int32_t>(interleaved.size() / channels);
  raise_if_failed(koemorph_stream_push(self.handle.get(), interleaved.data(), sample_count));
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

// All waiting frames: (times (t,), weights (t, n)).
py::tuple pull(PyStream& self, int n) {
  std::vector<double> times;
  std::vector<float> weights;
  std::vector<float> frame(n);
  double time = 0.0;
  koemorph_result result;
  while ((result = koemorph_stream_pull(self.handle.get(), frame.data(), n, &time)) ==
         KOEMORPH_OK) {
    times.push_back(time);
    weights.insert(weights.end(), frame.begin(), frame.end());
  }
  raise_if_failed(result);
  const auto count = static_cast<py::ssize_t>(times.size());
  return py::make_tuple(py::array_t<double>(count, times.data()),
                        py::array_t<float>({count, py::ssize_t{n}}, weights.data()));
}

py::array_t<float> sample(PyStream& self, double time, int n) {
  py::array_t<float> weights(n);
  raise_if_failed(koemorph_stream_sample(self.handle.get(), time, weights.mutable_data(), n));
  return weights;
}

py::array_t<float> tap(PyStream& self, koemorph_debug_stage stage, int n) {
  py::array_t<float> out(n);
  int32_t written = 0;
  raise_if_failed(koemorph_debug_tap(self.handle.get(), stage, out.mutable_data(), n, &written));
  return py::array_t<float>(out[py::slice(0, written, 1)]);
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
  module.def("blendshape_name", &koemorph_blendshape_name, py::arg("index"));

  py::class_<PyModel>(module, "Model", "A loaded model; use koemorph.Model.")
      .def(py::init(&load), py::arg("path"), py::arg("onnxruntime_path"), py::arg("threads") = 1)
      .def(
          "metadata",
          [](const PyModel& self, const char* key) {
            return koemorph_model_metadata(self.handle.get(), key);
          },
          py::arg("key").none(true),
          "Text of a metadata key or None; of None, all keys, one a line.");
}

void bind_stream(py::module_& module) {
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

  py::class_<PyStreamBatch>(module, "StreamBatch", "Streams of one model that run through one inference.")
      .def(py::init(&gather), py::arg("model"), py::arg("capacity"))
      .def("process", &process_batch, py::arg("streams"));

  py::class_<koemorph_stream_info>(module, "StreamInfo")
      .def_readonly("fps", &koemorph_stream_info::fps)
      .def_readonly("latency", &koemorph_stream_info::latency, "s")
      .def_readonly("pushed_samples", &koemorph_stream_info::pushed_samples)
      .def_readonly("dropped_samples", &koemorph_stream_info::dropped_samples)
      .def_readonly("frame_count", &koemorph_stream_info::frame_count)
      .def_readonly("skipped_frames", &koemorph_stream_info::skipped_frames);

  py::class_<PyStream>(module, "Stream", "One voice being animated; use koemorph.Model.stream.")
      .def(py::init(&create), py::arg("model"), py::arg("sample_rate"), py::arg("channels"),
           py::arg("worker"), py::arg("buffer_seconds"), py::arg("history_seconds"))
      .def("push", &push, py::arg("interleaved"), py::arg("channels"))
      .def(
          "set_input_format",
          [](PyStream& self, int sample_rate, int channels) {
            raise_if_failed(koemorph_stream_set_input_format(self.handle.get(), sample_rate, channels));
          },
          py::arg("sample_rate"), py::arg("channels"))
      .def("flush",
           [](PyStream& self) { raise_if_failed(koemorph_stream_flush(self.handle.get())); })
      .def("process", &process)
      .def("pull", &pull, py::arg("n"))
      .def("sample", &sample, py::arg("time"), py::arg("n"))
      .def("tap", &tap, py::arg("stage"), py::arg("n"))
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
