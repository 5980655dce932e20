#include "model/model_state.h"

#include <algorithm>
#include <cmath>

namespace koemorph {

ModelState::ModelState(const ModelSettings& settings)
    : channels_(settings.trunk_channels),
      embedding_(static_cast<size_t>(kBlendshapeCount) * settings.expression_embedding_size) {
  for (const int dilation : settings.trunk_dilations) {
    layers_.push_back({dilation, std::vector<float>(size_t{2} * dilation * channels_)});
  }
}

void ModelState::write_state(float* out) const {
  for (const Layer& layer : layers_) {
    // The input of two dilations ago is the oldest in the ring: the next one overwritten.
    for (const int64_t frame : {frame_, frame_ + layer.dilation}) {
      const int64_t index = frame % (2 * layer.dilation);
      out = std::copy_n(layer.inputs.begin() + index * channels_, channels_, out);
    }
  }
}

void ModelState::push_layer(Layer* layer, const float* input) const {
  const int64_t ring = 2 * layer->dilation;
  const int64_t first = warmed_up() ? frame_ % ring : 0;
  const int64_t last = warmed_up() ? first + 1 : ring;
  for (int64_t index = first; index < last; ++index) {
    std::copy_n(input, channels_, layer->inputs.begin() + index * channels_);
  }
}

// One bad output must not spoil the following frames: a value that is not finite keeps its
// predecessor.
void ModelState::push_weights(const float* weights) {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    if (std::isfinite(weights[i])) previous_weights_[i] = std::clamp(weights[i], 0.0f, 1.0f);
  }
}

bool ModelState::push(const float* weights, const float* state, const float* embedding,
                      int64_t update) {
  for (Layer& layer : layers_) {
    push_layer(&layer, state);
    state += channels_;
  }
  if (update != embedding_update_) {
    std::copy_n(embedding, embedding_.size(), embedding_.begin());
    embedding_update_ = update;
  }
  if (!warmed_up()) {
    ++warm_layers_;
    return false;
  }
  push_weights(weights);
  ++frame_;
  return true;
}

void ModelState::reset() {
  warm_layers_ = 0;
  previous_weights_.fill(0.0f);
  std::fill(embedding_.begin(), embedding_.end(), 0.0f);
  embedding_update_ = -1;
}

}  // namespace koemorph
