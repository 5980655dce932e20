#include "model/predictor.h"

#include <algorithm>

namespace koemorph {

bool Predictor::expression_changed(const FeatureExtractor& features) const {
  return features.has_egemaps() && features.egemaps_updates() != state_.embedding_update();
}

void Predictor::write_inputs(FeatureExtractor* features, Inference* inference, int i) const {
  features->write_mel(inference->mel(i));
  features->write_pooled_context(inference->pooled_context(i));
  features->write_detail(inference->detail(i));
  if (!state_.warmed_up()) {
    features->limit_to_ambient_floor(inference->mel(i), inference->detail(i));
  }
  std::copy_n(state_.previous_weights(), kBlendshapeCount, inference->previous_weights(i));
  state_.write_state(inference->state_in(i));
  if (!features->has_egemaps()) return;
  features->write_egemaps(inference->egemaps(i));
  std::copy(state_.expression_embedding().begin(), state_.expression_embedding().end(),
            inference->expression_embedding_in(i));
}

bool Predictor::read_outputs(const FeatureExtractor& features, const Inference& inference, int i) {
  const bool has_embedding = features.has_egemaps();
  if (!state_.push(inference.weights(i), inference.state_out(i),
                   has_embedding ? inference.expression_embedding_out(i) : nullptr,
                   has_embedding ? features.egemaps_updates() : state_.embedding_update())) {
    return false;
  }
  std::copy_n(inference.weights(i), kBlendshapeCount, raw_weights_.begin());
  return true;
}

void Predictor::reset() {
  state_.reset();
  raw_weights_.fill(0.0f);
}

}  // namespace koemorph
