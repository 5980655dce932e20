// The loaded model file: the network and its metadata.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "egemaps/egemaps.h"
#include "face/blendshapes.h"
#include "features/mel.h"
#include "model/backend.h"
#include "util/status.h"

namespace koemorph {

// Validated metadata of a model file.
struct ModelSettings {
  MelConfig mel;
  // Pooled context: the network sees the newest frame and the means of this many blocks before the
  // newest block.
  int context_pool_frames = 32;  // frames per block
  int context_pool_blocks = 7;
  // Dilated layers of the trunk. The state of each is its input two dilations and one dilation (in
  // frames) ago.
  int trunk_channels = 128;
  std::vector<int> trunk_dilations;
  bool use_egemaps = false;  // expression_features = native: the graph has an `egemaps` input
  EgemapsConfig egemaps;
  int expression_embedding_size = 0;  // values per blend shape from the expression branch
};

// Sessions for one stream, lent for the time of one call: as many exist as calls ran at once, not
// one per stream. Any thread except those of audio and game.
class SessionPool {
 public:
  std::unique_ptr<BackendSession> take(const Backend& backend, const Ports& ports);
  void put_back(std::unique_ptr<BackendSession> session);

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<BackendSession>> idle_;
  size_t created_ = 0;
};

// Immutable; any number of streams on any threads may run it.
class Model {
 public:
  static Status load(const koemorph_model_config& config, std::shared_ptr<const Model>* out);
  Model(const Model&) = delete;
  Model& operator=(const Model&) = delete;

  const ModelSettings& settings() const { return settings_; }
  // NULL when there is no such key.
  const char* metadata(const char* key) const;
  // All keys, one per line.
  const char* metadata_keys() const { return metadata_keys_.c_str(); }

  const Backend& backend() const { return *backend_; }
  // The inputs and outputs of the graph.
  const Ports& ports() const { return ports_; }
  // Sessions for one stream.
  SessionPool& sessions() const { return sessions_; }

 private:
  Model() = default;
  Status open(const koemorph_model_config& config);
  Status load_backend(const koemorph_model_config& config, const void* data, size_t size);
  Status check_inputs() const;
  Status run_once() const;

  std::shared_ptr<const Backend> backend_;
  std::string metadata_keys_;
  ModelSettings settings_;
  Ports ports_;
  mutable SessionPool sessions_;
};

// Reads and checks the settings in a model's metadata.
Status parse_settings(const std::map<std::string, std::string>& metadata, ModelSettings* out);

}  // namespace koemorph
