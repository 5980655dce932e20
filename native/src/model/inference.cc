#include "model/inference.h"

#include <utility>

namespace koemorph {

Ports Inference::ports(const ModelSettings& settings) {
  const int64_t bands = settings.mel.bands;
  const auto layers = static_cast<int64_t>(settings.trunk_dilations.size());
  Ports ports;
  ports.inputs = {{"mel", {bands}},
                  {"pooled_context", {settings.context_pool_blocks, bands}},
                  {"detail", {settings.mel.detail_frames, bands}},
                  {"previous_weights", {kBlendshapeCount}},
                  {"state_in", {layers * 2 * settings.trunk_channels}}};
  ports.outputs = {{"weights", {kBlendshapeCount}},
                   {"state_out", {layers * settings.trunk_channels}}};
  if (!settings.use_egemaps) return ports;
  const auto windows = static_cast<int64_t>(settings.egemaps.window_intervals.size());
  const std::vector<int64_t> embedding = {kBlendshapeCount, settings.expression_embedding_size};
  ports.inputs.push_back({"egemaps", {windows, kFunctionalCount}});
  ports.inputs.push_back({"expression_embedding_in", embedding});
  ports.inputs.push_back({"expression_changed", {}, true});
  ports.outputs.push_back({"expression_embedding_out", embedding});
  return ports;
}

Inference::Inference(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)),
      capacity_(capacity),
      session_(capacity == 1 ? model_->sessions().take(model_->backend(), model_->ports())
                             : model_->backend().session(model_->ports(), capacity)) {
  set_expression_changed(true);
}

Inference::~Inference() {
  if (capacity_ == 1) model_->sessions().put_back(std::move(session_));
}

void Inference::set_expression_changed(bool changed) {
  if (model_->ports().inputs.size() <= kExpressionChanged) return;
  *input(kExpressionChanged, 0) = changed ? 1.0f : 0.0f;
}

Status Inference::run(int count) { return session_->run(count); }

}  // namespace koemorph
