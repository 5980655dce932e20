// The optional backend for graphs with operators that the built-in evaluator lacks.
#include "model/backend.h"

#if defined(KOEMORPH_NO_ONNXRUNTIME)

namespace koemorph {

Status load_onnxruntime(const std::string&, const void*, size_t, int,
                        std::shared_ptr<const Backend>*) {
  return {KOEMORPH_RUNTIME_MISSING,
          "ONNX Runtime is not part of this build (KOEMORPH_NO_ONNXRUNTIME)."};
}

}  // namespace koemorph

#else

#include <utility>

#include "model/onnxruntime.h"
#include "util/denormals.h"

namespace koemorph {
namespace {

Status unusable(const std::string& sentence) { return {KOEMORPH_INVALID_MODEL, sentence}; }

// Releases session options on every way out.
struct Options {
  const ort::Entry* api;
  ort::SessionOptions* value = nullptr;
  ~Options() {
    if (value != nullptr) ort::ReleaseSessionOptions::call<void>(api, value);
  }
};

class OnnxRuntimeBackend : public Backend {
 public:
  explicit OnnxRuntimeBackend(const OnnxRuntime* runtime) : runtime_(runtime) {}
  ~OnnxRuntimeBackend() override {
    if (session_ != nullptr) ort::ReleaseSession::call<void>(runtime_->api(), session_);
  }
  OnnxRuntimeBackend(const OnnxRuntimeBackend&) = delete;
  OnnxRuntimeBackend& operator=(const OnnxRuntimeBackend&) = delete;

  Status open(const void* data, size_t size, int threads);
  Status read_metadata();
  Status read_input_names();

  const std::map<std::string, std::string>& metadata() const override { return metadata_; }
  std::vector<std::string> input_names() const override { return input_names_; }
  // ONNX Runtime checks shapes with the first run.
  Status check(const Ports&) const override { return {}; }
  std::unique_ptr<BackendSession> session(const Ports& ports, int capacity) const override;

  const OnnxRuntime& runtime() const { return *runtime_; }
  ort::Session* handle() const { return session_; }

 private:
  const OnnxRuntime* runtime_;
  ort::Session* session_ = nullptr;
  std::map<std::string, std::string> metadata_;
  std::vector<std::string> input_names_;
};

// The backend must outlive the session.
class OnnxRuntimeSession : public BackendSession {
 public:
  OnnxRuntimeSession(const OnnxRuntimeBackend& backend, const Ports& ports, int capacity)
      : backend_(backend) {
    for (const Port& port : ports.inputs) inputs_.push_back(tensor(port, capacity));
    for (const Port& port : ports.outputs) outputs_.push_back(tensor(port, capacity));
  }
  ~OnnxRuntimeSession() override {
    for (const std::vector<Tensor>* tensors : {&inputs_, &outputs_}) {
      for (const Tensor& tensor : *tensors) {
        for (ort::Value* value : tensor.values) {
          if (value != nullptr) ort::ReleaseValue::call<void>(backend_.runtime().api(), value);
        }
      }
    }
  }
  OnnxRuntimeSession(const OnnxRuntimeSession&) = delete;
  OnnxRuntimeSession& operator=(const OnnxRuntimeSession&) = delete;

  float* input(int index) override { return inputs_[index].data.data(); }
  const float* output(int index) const override { return outputs_[index].data.data(); }
  Status run(int count) override;

 private:
  struct Tensor {
    Port port;
    std::vector<int64_t> shape;  // shape[0] is the number of streams
    std::vector<float> data;
    std::vector<ort::Value*> values;  // by number of streams; NULL until first used
  };

  static Tensor tensor(const Port& port, int capacity) {
    Tensor made{port,
                {1},
                std::vector<float>(port.size() * capacity),
                std::vector<ort::Value*>(capacity + 1)};
    made.shape.insert(made.shape.end(), port.shape.begin(), port.shape.end());
    return made;
  }

  Status bind(Tensor* tensor, int count, ort::Value** out) const {
    ort::Value** value = &tensor->values[count];
    if (*value == nullptr) {
      const OnnxRuntime& runtime = backend_.runtime();
      tensor->shape[0] = count;
      const std::string failure = runtime.take_message(ort::CreateTensorWithDataAsOrtValue::call(
          runtime.api(), runtime.memory(), tensor->data.data(),
          count * tensor->port.size() * sizeof(float), tensor->shape.data(), tensor->shape.size(),
          ort::kFloat, value));
      if (!failure.empty()) return {KOEMORPH_INFERENCE_FAILED, failure};
    }
    *out = *value;
    return {};
  }

  const OnnxRuntimeBackend& backend_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
};

Status OnnxRuntimeSession::run(int count) {
  constexpr size_t kMaxPorts = 16;
  const char* input_names[kMaxPorts];
  const char* output_names[kMaxPorts];
  ort::Value* inputs[kMaxPorts];
  ort::Value* outputs[kMaxPorts];
  Status status;
  for (size_t i = 0; i < inputs_.size() && status.ok(); ++i) {
    input_names[i] = inputs_[i].port.name;
    status = bind(&inputs_[i], inputs_[i].port.shared ? 1 : count, &inputs[i]);
  }
  for (size_t i = 0; i < outputs_.size() && status.ok(); ++i) {
    output_names[i] = outputs_[i].port.name;
    status = bind(&outputs_[i], count, &outputs[i]);
  }
  if (!status.ok()) return status;
  const OnnxRuntime& runtime = backend_.runtime();
  ort::Status* failure =
      ort::Run::call(runtime.api(), backend_.handle(), nullptr, input_names, inputs, inputs_.size(),
                     output_names, outputs_.size(), outputs);
  if (failure == nullptr) return {};
  return {KOEMORPH_INFERENCE_FAILED, "Running the model failed: " + runtime.take_message(failure)};
}

std::unique_ptr<BackendSession> OnnxRuntimeBackend::session(const Ports& ports,
                                                            int capacity) const {
  return std::make_unique<OnnxRuntimeSession>(*this, ports, capacity);
}

Status OnnxRuntimeBackend::open(const void* data, size_t size, int threads) {
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
  return unusable("ONNX Runtime cannot load the model: " + runtime_->take_message(failure));
}

Status OnnxRuntimeBackend::read_metadata() {
  const ort::Entry* api = runtime_->api();
  ort::Allocator* allocator = runtime_->allocator();
  ort::ModelMetadata* metadata = nullptr;
  std::string failure =
      runtime_->take_message(ort::SessionGetModelMetadata::call(api, session_, &metadata));
  if (!failure.empty()) return unusable("Cannot read the metadata: " + failure);
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
  return failure.empty() ? Status{} : unusable("Cannot read the metadata: " + failure);
}

Status OnnxRuntimeBackend::read_input_names() {
  const ort::Entry* api = runtime_->api();
  size_t count = 0;
  std::string failure =
      runtime_->take_message(ort::SessionGetInputCount::call(api, session_, &count));
  for (size_t i = 0; failure.empty() && i < count; ++i) {
    char* name = nullptr;
    failure = runtime_->take_message(
        ort::SessionGetInputName::call(api, session_, i, runtime_->allocator(), &name));
    if (name == nullptr) continue;
    input_names_.emplace_back(name);
    runtime_->take_message(ort::AllocatorFree::call(api, runtime_->allocator(), name));
  }
  return failure.empty() ? Status{} : unusable("Cannot read the inputs: " + failure);
}

}  // namespace

Status load_onnxruntime(const std::string& library, const void* data, size_t size, int threads,
                        std::shared_ptr<const Backend>* out) {
  const OnnxRuntime* runtime = nullptr;
  Status status = OnnxRuntime::load(library, &runtime);
  if (!status.ok()) return status;
  const auto backend = std::make_shared<OnnxRuntimeBackend>(runtime);
  status = backend->open(data, size, threads);
  if (status.ok()) status = backend->read_metadata();
  if (status.ok()) status = backend->read_input_names();
  if (status.ok()) *out = backend;
  return status;
}

}  // namespace koemorph

#endif
