#include "model.h"

#include <algorithm>
#include <fstream>
#include <set>

#include "denormals.h"

#if defined(_WIN32)
#include <filesystem>
#endif

namespace koemorph {
namespace {

Status invalid(const std::string& sentence) { return {KOEMORPH_MODEL_INVALID, sentence}; }

Status read_file(const char* path, std::vector<char>* out) {
#if defined(_WIN32)
  std::ifstream file(std::filesystem::u8path(path), std::ios::binary);
#else
  std::ifstream file(path, std::ios::binary);
#endif
  if (!file) return {KOEMORPH_FILE_ERROR, "The model " + std::string(path) + " cannot be opened."};
  out->assign(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  if (!file.eof() && file.fail()) {
    return {KOEMORPH_FILE_ERROR, "The model " + std::string(path) + " cannot be read."};
  }
  return {};
}

// Releases session options on every way out.
struct Options {
  const ort::Entry* api;
  ort::SessionOptions* value = nullptr;
  ~Options() {
    if (value != nullptr) ort::ReleaseSessionOptions::call<void>(api, value);
  }
};

}  // namespace

Model::~Model() {
  if (session_ != nullptr) ort::ReleaseSession::call<void>(runtime_->api(), session_);
}

const char* Model::metadata(const char* key) const {
  const auto entry = metadata_.find(key);
  return entry == metadata_.end() ? nullptr : entry->second.c_str();
}

Status Model::load(const koemorph_model_config& config, std::shared_ptr<const Model>* out) {
  std::shared_ptr<Model> model(new Model);
  Status status = model->open(config);
  if (status.ok()) *out = std::move(model);
  return status;
}

Status Model::open(const koemorph_model_config& config) {
  std::vector<char> bytes;
  const void* data = config.data;
  uint64_t size = config.data_size;
  if (config.path != nullptr) {
    Status status = read_file(config.path, &bytes);
    if (!status.ok()) return status;
    data = bytes.data();
    size = bytes.size();
  }
  const std::string library = config.onnxruntime_path == nullptr ? "" : config.onnxruntime_path;
  Status status = OnnxRuntime::load(library, &runtime_);
  if (status.ok()) status = create_session(data, size, config.threads);
  if (status.ok()) status = read_metadata();
  if (status.ok()) status = parse_settings(metadata_, &settings_);
  if (status.ok()) status = check_inputs();
  if (status.ok()) status = try_once();
  if (!status.ok() && config.path != nullptr && status.result == KOEMORPH_MODEL_INVALID) {
    status.message = std::string(config.path) + ": " + status.message;
  }
  return status;
}

Status Model::create_session(const void* data, size_t size, int threads) {
  // ONNX Runtime switches denormals off on the thread that creates a session and leaves them off;
  // this gives the caller's setting back.
  const FlushDenormals flush_denormals;
  const ort::Entry* api = runtime_->api();
  Options options{api};
  ort::Status* failure = ort::CreateSessionOptions::call(api, &options.value);
  if (failure == nullptr) {
    failure = ort::SetSessionGraphOptimizationLevel::call(api, options.value, ort::kOptimizeAll);
  }
  if (failure == nullptr) failure = ort::SetIntraOpNumThreads::call(api, options.value, threads);
  if (failure == nullptr) failure = ort::SetInterOpNumThreads::call(api, options.value, 1);
  // A game's other threads need the cores more than our waiting ones; and denormals cost a
  // hundredfold.
  for (const auto& entry : {std::pair{"session.intra_op.allow_spinning", "0"},
                            std::pair{"session.set_denormal_as_zero", "1"}}) {
    if (failure == nullptr) {
      failure = ort::AddSessionConfigEntry::call(api, options.value, entry.first, entry.second);
    }
  }
  if (failure == nullptr) {
    failure = ort::CreateSessionFromArray::call(api, runtime_->env(), data, size, options.value,
                                                &session_);
  }
  if (failure == nullptr) return {};
  return invalid("This is not a model that ONNX Runtime can load: " +
                 runtime_->take_message(failure));
}

Status Model::read_metadata() {
  const ort::Entry* api = runtime_->api();
  ort::Allocator* allocator = runtime_->allocator();
  ort::ModelMetadata* metadata = nullptr;
  std::string failure =
      runtime_->take_message(ort::SessionGetModelMetadata::call(api, session_, &metadata));
  if (!failure.empty()) return invalid("Its metadata cannot be read: " + failure);
  char** keys = nullptr;
  int64_t count = 0;
  failure = runtime_->take_message(
      ort::ModelMetadataGetCustomMetadataMapKeys::call(api, metadata, allocator, &keys, &count));
  for (int64_t i = 0; i < count; ++i) {
    char* value = nullptr;
    const std::string message = runtime_->take_message(
        ort::ModelMetadataLookupCustomMetadataMap::call(api, metadata, allocator, keys[i], &value));
    if (message.empty() && value != nullptr) {
      metadata_[keys[i]] = value;
      runtime_->take_message(ort::AllocatorFree::call(api, allocator, value));
    }
    runtime_->take_message(ort::AllocatorFree::call(api, allocator, keys[i]));
  }
  if (keys != nullptr) runtime_->take_message(ort::AllocatorFree::call(api, allocator, keys));
  ort::ReleaseModelMetadata::call<void>(api, metadata);
  for (const auto& entry : metadata_) metadata_keys_ += entry.first + "\n";
  return failure.empty() ? Status{} : invalid("Its metadata cannot be read: " + failure);
}

Status Model::check_inputs() const {
  std::set<std::string> expected = {"mel", "detail", "previous"};
  if (settings_.use_egemaps) expected.insert("egemaps");
  const ort::Entry* api = runtime_->api();
  size_t count = 0;
  std::string failure =
      runtime_->take_message(ort::SessionGetInputCount::call(api, session_, &count));
  std::set<std::string> found;
  for (size_t i = 0; failure.empty() && i < count; ++i) {
    char* name = nullptr;
    failure = runtime_->take_message(
        ort::SessionGetInputName::call(api, session_, i, runtime_->allocator(), &name));
    if (name == nullptr) continue;
    found.insert(name);
    runtime_->take_message(ort::AllocatorFree::call(api, runtime_->allocator(), name));
  }
  if (!failure.empty()) return invalid("Its inputs cannot be read: " + failure);
  if (found == expected) return {};
  std::string names;
  for (const std::string& name : expected) names += (names.empty() ? "" : ", ") + name;
  return invalid("Its graph must have exactly the inputs " + names + ".");
}

// Shapes that do not fit show here, while loading, and not in the middle of a game; it also brings
// the session's memory to its working size.
Status Model::try_once() const {
  // A pointer that owns nothing: the model outlives this trial.
  Inference inference(std::shared_ptr<const Model>(std::shared_ptr<const Model>(), this), 1);
  Status status = inference.run(1);
  if (!status.ok()) status.result = KOEMORPH_MODEL_INVALID;
  return status;
}

Inference::Tensor Inference::tensor(const char* name, std::vector<int64_t> shape_of_one) const {
  Tensor made{name, {1}, 1, {}, std::vector<ort::Value*>(capacity_ + 1)};
  for (const int64_t extent : shape_of_one) {
    made.shape.push_back(extent);
    made.size *= static_cast<size_t>(extent);
  }
  return made;
}

Inference::Inference(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)), capacity_(capacity) {
  const ModelSettings& settings = model_->settings();
  const int64_t bands = settings.mel.bands;
  inputs_.push_back(tensor("mel", {settings.context_frames, bands}));
  inputs_.push_back(tensor("detail", {settings.mel.detail_frames, bands}));
  inputs_.push_back(tensor("previous", {kCoefficients}));
  if (settings.use_egemaps) {
    const auto windows = static_cast<int64_t>(settings.egemaps.window_intervals.size());
    inputs_.push_back(tensor("egemaps", {windows, kFunctionalCount}));
  }
  output_ = tensor("coefficients", {kCoefficients});
  output_.data.resize(output_.size * capacity_);
  for (size_t i = 1; i < inputs_.size(); ++i) {
    inputs_[i].data.resize(inputs_[i].size * capacity_);
  }
}

Inference::~Inference() {
  const ort::Entry* api = model_->runtime().api();
  const auto release = [&](const Tensor& tensor) {
    for (ort::Value* value : tensor.values) {
      if (value != nullptr) ort::ReleaseValue::call<void>(api, value);
    }
  };
  for (const Tensor& input : inputs_) release(input);
  release(output_);
}

// The copies' memory comes when they are first asked for: whoever runs on its own does without.
float* Inference::mel(int i) {
  Tensor& tensor = inputs_[0];
  tensor.data.resize(tensor.size * capacity_);
  return tensor.data.data() + i * tensor.size;
}

Status Inference::create(const Tensor& tensor, int count, const float* data, ort::Value** out) {
  const OnnxRuntime& runtime = model_->runtime();
  std::vector<int64_t> shape = tensor.shape;
  shape[0] = count;
  // ONNX Runtime takes a pointer to what may be written, and does not write to inputs.
  void* memory = const_cast<float*>(data);
  const std::string failure = runtime.take_message(ort::CreateTensorWithDataAsOrtValue::call(
      runtime.api(), runtime.memory(), memory, count * tensor.size * sizeof(float), shape.data(),
      shape.size(), ort::kFloat, out));
  return failure.empty() ? Status{} : Status{KOEMORPH_INFERENCE_FAILED, failure};
}

Status Inference::bind(Tensor* tensor, int count) {
  ort::Value** value = &tensor->values[count];
  return *value != nullptr ? Status{} : create(*tensor, count, tensor->data.data(), value);
}

Status Inference::run(int count) {
  mel(0);
  Status status = bind(&inputs_[0], count);
  return status.ok() ? call(count, inputs_[0].values[count]) : status;
}

Status Inference::run_on(const float* mel) {
  ort::Value* lent = nullptr;
  Status status = create(inputs_[0], 1, mel, &lent);
  if (!status.ok()) return status;
  status = call(1, lent);
  ort::ReleaseValue::call<void>(model_->runtime().api(), lent);
  return status;
}

Status Inference::call(int count, const ort::Value* mel) {
  constexpr size_t kMostInputs = 4;
  const char* names[kMostInputs] = {inputs_[0].name};
  const ort::Value* values[kMostInputs] = {mel};
  Status status = bind(&output_, count);
  for (size_t i = 1; i < inputs_.size(); ++i) {
    if (status.ok()) status = bind(&inputs_[i], count);
    names[i] = inputs_[i].name;
    values[i] = inputs_[i].values[count];
  }
  if (!status.ok()) return status;
  const OnnxRuntime& runtime = model_->runtime();
  ort::Status* failure = ort::Run::call(runtime.api(), model_->session(), nullptr, names, values,
                                        inputs_.size(), &output_.name, 1, &output_.values[count]);
  if (failure == nullptr) return {};
  return {KOEMORPH_INFERENCE_FAILED,
          "The model could not be run: " + runtime.take_message(failure)};
}

}  // namespace koemorph
