#include "model/model.h"

#include <algorithm>
#include <array>
#include <fstream>
#include <set>

#include "model/inference.h"
#include "util/denormals.h"

#if defined(_WIN32)
#include <filesystem>
#endif

namespace koemorph {
namespace {

Status invalid(const std::string& message) { return {KOEMORPH_INVALID_MODEL, message}; }

Status read_file(const char* path, std::vector<char>* out) {
#if defined(_WIN32)
  std::ifstream file(std::filesystem::u8path(path), std::ios::binary);
#else
  std::ifstream file(path, std::ios::binary);
#endif
  if (!file) return {KOEMORPH_FILE_ERROR, "Cannot open the model " + std::string(path) + "."};
  // read() reports errors (a folder can be opened but not read) in the state; iterators throw.
  std::array<char, 65536> piece;
  while (file.read(piece.data(), piece.size()), file.gcount() > 0) {
    out->insert(out->end(), piece.data(), piece.data() + file.gcount());
  }
  if (file.bad()) {
    return {KOEMORPH_FILE_ERROR, "Cannot read the model " + std::string(path) + "."};
  }
  if (out->empty()) return {KOEMORPH_FILE_ERROR, "The model " + std::string(path) + " is empty."};
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
  if (status.ok()) status = run_once();
  if (!status.ok() && config.path != nullptr && status.result == KOEMORPH_INVALID_MODEL) {
    status.message = std::string(config.path) + ": " + status.message;
  }
  return status;
}

Status Model::create_session(const void* data, size_t size, int threads) {
  // ONNX Runtime disables denormals on the thread that creates a session; restore the setting of
  // the caller.
  const FlushDenormals flush_denormals;
  const ort::Entry* api = runtime_->api();
  Options options{api};
  ort::Status* failure = ort::CreateSessionOptions::call(api, &options.value);
  if (failure == nullptr) {
    failure = ort::SetSessionGraphOptimizationLevel::call(api, options.value, ort::kOptimizeAll);
  }
  if (failure == nullptr) failure = ort::SetIntraOpNumThreads::call(api, options.value, threads);
  if (failure == nullptr) failure = ort::SetInterOpNumThreads::call(api, options.value, 1);
  // Spinning threads would take cores from the game. Denormals are about 100 times slower.
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
  return invalid("ONNX Runtime cannot load the model: " + runtime_->take_message(failure));
}

Status Model::read_metadata() {
  const ort::Entry* api = runtime_->api();
  ort::Allocator* allocator = runtime_->allocator();
  ort::ModelMetadata* metadata = nullptr;
  std::string failure =
      runtime_->take_message(ort::SessionGetModelMetadata::call(api, session_, &metadata));
  if (!failure.empty()) return invalid("Cannot read the metadata: " + failure);
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
  return failure.empty() ? Status{} : invalid("Cannot read the metadata: " + failure);
}

Status Model::check_inputs() const {
  std::set<std::string> expected = {"mel", "pooled_context", "detail", "previous_weights",
                                    "state_in"};
  if (settings_.use_egemaps)
    expected.insert({"egemaps", "expression_changed", "expression_embedding_in"});
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
  if (!failure.empty()) return invalid("Cannot read the inputs: " + failure);
  if (found == expected) return {};
  std::string names;
  for (const std::string& name : expected) names += (names.empty() ? "" : ", ") + name;
  return invalid("Wrong inputs of the graph: expected " + names + ".");
}

// Detects wrong tensor shapes while loading, and lets the session allocate its memory.
Status Model::run_once() const {
  // A pointer without ownership: the model outlives this inference.
  Inference inference(std::shared_ptr<const Model>(std::shared_ptr<const Model>(), this), 1);
  Status status = inference.run(1);
  if (!status.ok()) status.result = KOEMORPH_INVALID_MODEL;
  return status;
}

}  // namespace koemorph
