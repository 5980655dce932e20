// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "Library.h"

namespace koemorph_plugin {

// An immutable model, shared by any number of streams.
class Model {
 public:
  // Loads a model from the bytes of its file; blocks. Null, with an error message, on failure.
  static std::shared_ptr<const Model> Load(const Api& api, const void* data, size_t size,
                                           std::string* error);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const Api& api() const { return api_; }
  const koemorph_model* get() const { return model_; }

 private:
  Model(const Api& api, koemorph_model* model) : api_(api), model_(model) {}

  const Api api_;
  koemorph_model* const model_;
};

// Owns a native stream.
struct StreamHandleDeleter {
  decltype(&::koemorph_stream_destroy) destroy;
  void operator()(koemorph_stream* stream) const { destroy(stream); }
};
using StreamHandle = std::unique_ptr<koemorph_stream, StreamHandleDeleter>;

// `worker`: the library processes on its own thread. Null, with an error message, on failure.
StreamHandle CreateStream(const Model& model, int sample_rate, int channels, bool worker,
                          std::string* error);

// One animation frame.
struct Frame {
  double time;  // s
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
};

// Computes every frame of a recording. Frame k is at exactly k / fps: no latency. Empty, with an
// error message, on failure.
std::vector<Frame> Animate(const Model& model, const float* interleaved, size_t sample_count,
                           int sample_rate, int channels, std::string* error);

}  // namespace koemorph_plugin
