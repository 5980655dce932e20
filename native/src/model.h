// Stage `model`: the network, with everything its file says about itself.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "coefficients.h"
#include "egemaps.h"
#include "mel.h"
#include "onnxruntime.h"
#include "status.h"

namespace koemorph {

// What the metadata of a model file says, checked.
struct ModelSettings {
  MelConfig mel;
  int context_frames = 256;
  bool use_egemaps = false;  // emotion = native: the graph has an `egemaps` input
  EgemapsConfig egemaps;
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

// The network's inputs and output for up to `capacity` voices at once, in memory of our own.
class Inference {
 public:
  Inference(std::shared_ptr<const Model> model, int capacity);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  int capacity() const { return capacity_; }
  // Where voice i's inputs go: (context_frames, bands), (detail_frames, bands), (windows, 88),
  // (52,).
  float* mel(int i);
  float* detail(int i) { return inputs_[1].data.data() + i * inputs_[1].size; }
  float* previous(int i) { return inputs_[2].data.data() + i * inputs_[2].size; }
  float* egemaps(int i) { return inputs_[3].data.data() + i * inputs_[3].size; }
  // Runs the first `count` voices; then coefficients(i) is (52,).
  Status run(int count);
  // Runs voice 0 on `mel` (context_frames, bands) where it lies, instead of on a copy in mel(0).
  Status run_on(const float* mel);
  const float* coefficients(int i) const { return output_.data.data() + i * output_.size; }

 private:
  struct Tensor {
    const char* name;
    std::vector<int64_t> shape;  // its first entry is the number of voices
    size_t size;                 // floats a voice
    std::vector<float> data;
    std::vector<ort::Value*> values;  // by number of voices; NULL until it comes up
  };
  Tensor tensor(const char* name, std::vector<int64_t> shape_of_one) const;
  Status create(const Tensor& tensor, int count, const float* data, ort::Value** out);
  Status bind(Tensor* tensor, int count);
  Status call(int count, const ort::Value* mel);

  std::shared_ptr<const Model> model_;
  int capacity_;
  std::vector<Tensor> inputs_;
  Tensor output_;
};

}  // namespace koemorph
