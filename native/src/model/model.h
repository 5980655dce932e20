// Stage `model`: the network, with everything its file says about itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "face/blendshapes.h"
#include "egemaps/egemaps.h"
#include "features/mel.h"
#include "model/onnxruntime.h"
#include "util/status.h"

namespace koemorph {

// What the metadata of a model file says, checked.
struct ModelSettings {
  MelConfig mel;
  // The network hears the newest frame, and means of blocks of frames before the newest block.
  int block_frames = 32;
  int blocks = 7;
  // What the layers of its trunk are handed of earlier frames: each its own input, as it was two
  // and one of its dilations (in frames) ago.
  int trunk_channels = 128;
  std::vector<int> trunk_dilations;
  bool use_egemaps = false;  // emotion = native: the graph has an `egemaps` input
  EgemapsConfig egemaps;
  int felt_size = 0;  // numbers a blendshape that the emotion stream hands on
};

// An immutable loaded model; any number of streams on any threads may run it.
class Model {
 public:
  static Status load(const koemorph_model_config& config, std::shared_ptr<const Model>* out);
  ~Model();
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelSettings& settings() const { return settings_; }
  // NULL when there is no such key.
  const char* metadata(const char* key) const;
  // All keys, one a line.
  const char* metadata_keys() const { return metadata_keys_.c_str(); }

  const OnnxRuntime& runtime() const { return *runtime_; }
  ort::Session* session() const { return session_; }

 private:
  Model() = default;
  Status open(const koemorph_model_config& config);
  Status create_session(const void* data, size_t size, int threads);
  Status read_metadata();
  Status check_inputs() const;
  Status try_once() const;

  const OnnxRuntime* runtime_ = nullptr;
  ort::Session* session_ = nullptr;
  std::map<std::string, std::string> metadata_;
  std::string metadata_keys_;
  ModelSettings settings_;
};

// Reads and checks the settings in a model's metadata.
Status parse_settings(const std::map<std::string, std::string>& metadata, ModelSettings* out);

}  // namespace koemorph
