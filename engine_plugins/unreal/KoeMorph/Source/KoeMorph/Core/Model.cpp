// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "Model.h"

#include <algorithm>

namespace koemorph_plugin {
namespace {

// Appends all available frames to `frames`.
bool PullFrames(const Api& api, koemorph_stream* stream, std::vector<Frame>* frames) {
  if (api.stream_process(stream) < KOEMORPH_OK) return false;
  Frame frame;
  koemorph_result result;
  while ((result = api.stream_pull(stream, frame.weights, KOEMORPH_BLENDSHAPE_COUNT,
                                   &frame.time)) == KOEMORPH_OK) {
    frames->push_back(frame);
  }
  return result == KOEMORPH_NO_FRAME;
}

}  // namespace

std::shared_ptr<const Model> Model::Load(const Api& api, const void* data, size_t size,
                                         std::string* error) {
  koemorph_model_config config;
  api.model_config_init(&config);
  config.data = data;
  config.data_size = size;
  koemorph_model* model = nullptr;
  if (api.model_load(&config, &model) == KOEMORPH_OK) {
    return std::shared_ptr<const Model>(new Model(api, model));
  }
  *error = api.error_message();
  return nullptr;
}

Model::~Model() { api_.model_destroy(model_); }

StreamHandle CreateStream(const Model& model, int sample_rate, int channels, bool worker,
                          std::string* error) {
  const Api& api = model.api();
  koemorph_stream_config config;
  api.stream_config_init(&config);
  config.sample_rate = sample_rate;
  config.channels = channels;
  config.worker = worker ? 1 : 0;
  koemorph_stream* stream = nullptr;
  if (api.stream_create(model.get(), &config, &stream) != KOEMORPH_OK) {
    *error = api.error_message();
  }
  return StreamHandle(stream, StreamHandleDeleter{api.stream_destroy});
}

std::vector<Frame> Animate(const Model& model, const float* interleaved, size_t sample_count,
                           int sample_rate, int channels, std::string* error) {
  std::vector<Frame> frames;
  const StreamHandle stream = CreateStream(model, sample_rate, channels, false, error);
  if (!stream) return frames;
  const Api& api = model.api();
  bool ok = true;
  // A quarter of a second at a time: a stream buffers half a second between push and process.
  const size_t block = static_cast<size_t>(sample_rate) / 4;
  for (size_t first = 0; ok && first < sample_count; first += block) {
    const size_t count = std::min(block, sample_count - first);
    ok = api.stream_push(stream.get(), interleaved + first * channels,
                         static_cast<int32_t>(count)) == KOEMORPH_OK &&
         PullFrames(api, stream.get(), &frames);
  }
  ok =
      ok && api.stream_flush(stream.get()) == KOEMORPH_OK && PullFrames(api, stream.get(), &frames);
  if (!ok) {
    *error = api.error_message();
    frames.clear();
  }
  return frames;
}

}  // namespace koemorph_plugin
