#pragma once

#include <memory>
#include <string>
#include <vector>

#include "Library.h"

namespace koemorph_plugin {

// An immutable model, shared by any number of voices.
class Model {
 public:
  // Loads a model from its file's bytes; blocks. `runtime_path`: ONNX Runtime's library (UTF-8), or
  // "" to let the koemorph library search. Null, with a sentence in `problem`, when it cannot be
  // used.
  static std::shared_ptr<const Model> Load(const Api& api, const void* data, size_t size,
                                           const std::string& runtime_path, std::string* problem);
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

// One voice; the native stream and its end.
struct StreamDeleter {
  decltype(&::koemorph_stream_destroy) destroy;
  void operator()(koemorph_stream* stream) const { destroy(stream); }
};
using Stream = std::unique_ptr<koemorph_stream, StreamDeleter>;

// `worker`: the library computes on a thread of its own. Null, with a sentence, when it cannot be
// made.
Stream CreateStream(const Model& model, int sample_rate, int channels, bool worker,
                    std::string* problem);

// One computed face.
struct Frame {
  double time;  // s
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
};

// Every frame of a recording, without latency: frame k is the face at exactly k / fps. Empty, with
// a sentence, on failure.
std::vector<Frame> Animate(const Model& model, const float* interleaved, size_t sample_frames,
                           int sample_rate, int channels, std::string* problem);

}  // namespace koemorph_plugin
