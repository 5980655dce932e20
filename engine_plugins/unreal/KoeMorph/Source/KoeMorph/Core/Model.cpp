#include "Model.h"

#include <algorithm>

namespace koemorph_plugin {
namespace {

// Moves every waiting frame to `frames`.
bool Collect(const Api& api, koemorph_stream* stream, std::vector<Frame>* frames) {
  if (api.stream_process(stream) < KOEMORPH_OK) return false;
  Frame frame;
  koemorph_result result;
  while ((result = api.stream_pull(stream, frame.weights, KOEMORPH_BLENDSHAPE_COUNT, &frame.time)) ==
         KOEMORPH_OK) {
    frames->push_back(frame);
  }
  return result == KOEMORPH_NO_FRAME;
}

}  // namespace

std::shared_ptr<const Model> Model::Load(const Api& api, const void* data, size_t size,
                                         const std::string& runtime_path, std::string* problem) {
  koemorph_model_config config;
  api.model_config_init(&config);
  config.data = data;
  config.data_size = size;
  config.onnxruntime_path = runtime_path.empty() ? nullptr : runtime_path.c_str();
  koemorph_model* model = nullptr;
  if (api.model_load(&config, &model) == KOEMORPH_OK) {
    return std::shared_ptr<const Model>(new Model(api, model));
  }
  *problem = api.error_message();
  return nullptr;
}

Model::~Model() { api_.model_destroy(model_); }

Stream CreateStream(const Model& model, int sample_rate, int channels, bool worker,
                    std::string* problem) {
  const Api& api = model.api();
  koemorph_stream_config config;
  api.stream_config_init(&config);
  config.sample_rate = sample_rate;
  config.channels = channels;
  config.worker = worker ? 1 : 0;
  koemorph_stream* stream = nullptr;
  if (api.stream_create(model.get(), &config, &stream) != KOEMORPH_OK) {
    *problem = api.error_message();
  }
  return Stream(stream, StreamDeleter{api.stream_destroy});
}

std::vector<Frame> Animate(const Model& model, const float* interleaved, size_t sample_frames,
                           int sample_rate, int channels, std::string* problem) {
  std::vector<Frame> frames;
  const Stream stream = CreateStream(model, sample_rate, channels, false, problem);
  if (!stream) return frames;
  const Api& api = model.api();
  bool ok = true;
  // A quarter of a second at a time: a stream holds half of one between push and process.
  const size_t block = static_cast<size_t>(sample_rate) / 4;
  for (size_t first = 0; ok && first < sample_frames; first += block) {
    const size_t count = std::min(block, sample_frames - first);
    ok = api.stream_push(stream.get(), interleaved + first * channels,
                         static_cast<int32_t>(count)) == KOEMORPH_OK &&
         Collect(api, stream.get(), &frames);
  }
  ok = ok && api.stream_flush(stream.get()) == KOEMORPH_OK && Collect(api, stream.get(), &frames);
  if (!ok) {
    *problem = api.error_message();
    frames.clear();
  }
  return frames;
}

}  // namespace koemorph_plugin
