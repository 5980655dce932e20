#include "model/model.h"

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <set>

#include "model/inference.h"

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

// Names the file in a message about it.
Status located(const koemorph_model_config& config, Status status) {
  const bool about_file =
      status.result == KOEMORPH_INVALID_MODEL || status.result == KOEMORPH_RUNTIME_MISSING;
  if (about_file && config.path != nullptr) {
    status.message = std::string(config.path) + ": " + status.message;
  }
  return status;
}

}  // namespace

const char* Model::metadata(const char* key) const {
  const auto entry = backend_->metadata().find(key);
  return entry == backend_->metadata().end() ? nullptr : entry->second.c_str();
}

Status Model::load(const koemorph_model_config& config, std::shared_ptr<const Model>* out) {
  std::shared_ptr<Model> model(new Model);
  Status status = model->open(config);
  if (status.ok()) *out = std::move(model);
  return status;
}

std::unique_ptr<BackendSession> SessionPool::take(const Backend& backend, const Ports& ports) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!idle_.empty()) {
      std::unique_ptr<BackendSession> session = std::move(idle_.back());
      idle_.pop_back();
      return session;
    }
    idle_.reserve(++created_);  // put_back allocates nothing
  }
  return backend.session(ports, 1);
}

void SessionPool::put_back(std::unique_ptr<BackendSession> session) {
  const std::lock_guard<std::mutex> lock(mutex_);
  idle_.push_back(std::move(session));
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
  Status status = load_backend(config, data, size);
  if (!status.ok()) return located(config, status);
  for (const auto& entry : backend_->metadata()) metadata_keys_ += entry.first + "\n";
  status = parse_settings(backend_->metadata(), &settings_);
  if (status.ok()) status = check_inputs();
  if (status.ok()) {
    ports_ = Inference::ports(settings_);
    status = backend_->check(ports_);
  }
  if (status.ok()) status = run_once();
  return located(config, status);
}

Status Model::load_backend(const koemorph_model_config& config, const void* data, size_t size) {
  const std::string library = config.onnxruntime_path == nullptr ? "" : config.onnxruntime_path;
  // For tests that compare the two backends.
  const char* forced = std::getenv("KOEMORPH_INFERENCE");
  if (forced != nullptr && std::string(forced) == "onnxruntime") {
    return load_onnxruntime(library, data, size, config.threads, &backend_);
  }
  std::string unsupported;
  Status status = load_builtin(data, size, &backend_, &unsupported);
  if (unsupported.empty()) return status;
  if (!library.empty()) {
    const std::string reason = status.message;
    status = load_onnxruntime(library, data, size, config.threads, &backend_);
    if (status.result == KOEMORPH_RUNTIME_MISSING) status.message = reason + " " + status.message;
  } else {
    status.result = KOEMORPH_RUNTIME_MISSING;
  }
  return status;
}

Status Model::check_inputs() const {
  std::set<std::string> expected = {"mel", "pooled_context", "detail", "previous_weights",
                                    "state_in"};
  if (settings_.use_egemaps)
    expected.insert({"egemaps", "expression_changed", "expression_embedding_in"});
  const std::vector<std::string> names_found = backend_->input_names();
  const std::set<std::string> found(names_found.begin(), names_found.end());
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
