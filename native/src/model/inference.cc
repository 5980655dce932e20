#include "model/inference.h"

#include <utility>

namespace koemorph {

Inference::Tensor Inference::tensor(const char* name, std::vector<int64_t> stream_shape) const {
  Tensor tensor{name, {1}, 1, {}, std::vector<ort::Value*>(capacity_ + 1)};
  for (const int64_t extent : stream_shape) {
    tensor.shape.push_back(extent);
    tensor.size *= static_cast<size_t>(extent);
  }
  tensor.data.resize(tensor.size * capacity_);
  return tensor;
}

Inference::Inference(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)), capacity_(capacity) {
  const ModelSettings& settings = model_->settings();
  const int64_t bands = settings.mel.bands;
  const auto layers = static_cast<int64_t>(settings.trunk_dilations.size());
  inputs_.push_back(tensor("mel", {bands}));
  inputs_.push_back(tensor("pooled_context", {settings.context_pool_blocks, bands}));
  inputs_.push_back(tensor("detail", {settings.mel.detail_frames, bands}));
  inputs_.push_back(tensor("previous_weights", {kBlendshapeCount}));
  inputs_.push_back(tensor("state_in", {layers * 2 * settings.trunk_channels}));
  outputs_.push_back(tensor("weights", {kBlendshapeCount}));
  outputs_.push_back(tensor("state_out", {layers * settings.trunk_channels}));
  if (!settings.use_egemaps) return;
  const auto windows = static_cast<int64_t>(settings.egemaps.window_intervals.size());
  inputs_.push_back(tensor("egemaps", {windows, kFunctionalCount}));
  inputs_.push_back(
      tensor("expression_embedding_in", {kBlendshapeCount, settings.expression_embedding_size}));
  inputs_.push_back(tensor("expression_changed", {}));
  outputs_.push_back(
      tensor("expression_embedding_out", {kBlendshapeCount, settings.expression_embedding_size}));
  set_expression_changed(true);
}

Inference::~Inference() {
  const ort::Entry* api = model_->runtime().api();
  for (const std::vector<Tensor>* tensors : {&inputs_, &outputs_}) {
    for (const Tensor& tensor : *tensors) {
      for (ort::Value* value : tensor.values) {
        if (value != nullptr) ort::ReleaseValue::call<void>(api, value);
      }
    }
  }
}

void Inference::set_expression_changed(bool changed) {
  if (inputs_.size() > kExpressionChanged)
    *inputs_[kExpressionChanged].of(0) = changed ? 1.0f : 0.0f;
}

Status Inference::bind(Tensor* tensor, int count) {
  ort::Value** value = &tensor->values[count];
  if (*value != nullptr) return {};
  const OnnxRuntime& runtime = model_->runtime();
  tensor->shape[0] = count;
  const std::string failure = runtime.take_message(ort::CreateTensorWithDataAsOrtValue::call(
      runtime.api(), runtime.memory(), tensor->data.data(), count * tensor->size * sizeof(float),
      tensor->shape.data(), tensor->shape.size(), ort::kFloat, value));
  return failure.empty() ? Status{} : Status{KOEMORPH_INFERENCE_FAILED, failure};
}

Status Inference::run(int count) {
  const char* input_names[kInputCount];
  const char* output_names[kOutputCount];
  const ort::Value* inputs[kInputCount];
  ort::Value* outputs[kOutputCount];
  Status status;
  for (size_t i = 0; i < inputs_.size() && status.ok(); ++i) {
    const int batch = i == kExpressionChanged ? 1 : count;  // one value for all streams
    status = bind(&inputs_[i], batch);
    input_names[i] = inputs_[i].name;
    inputs[i] = inputs_[i].values[batch];
  }
  for (size_t i = 0; i < outputs_.size() && status.ok(); ++i) {
    status = bind(&outputs_[i], count);
    output_names[i] = outputs_[i].name;
    outputs[i] = outputs_[i].values[count];
  }
  if (!status.ok()) return status;
  const OnnxRuntime& runtime = model_->runtime();
  ort::Status* failure =
      ort::Run::call(runtime.api(), model_->session(), nullptr, input_names, inputs, inputs_.size(),
                     output_names, outputs_.size(), outputs);
  if (failure == nullptr) return {};
  return {KOEMORPH_INFERENCE_FAILED, "Running the model failed: " + runtime.take_message(failure)};
}

}  // namespace koemorph
