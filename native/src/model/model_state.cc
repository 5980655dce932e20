#include "model/model_state.h"

#include <algorithm>

#include "face/blendshapes.h"

namespace koemorph {

ModelState::ModelState(const ModelSettings& settings)
    : channels_(settings.trunk_channels),
      felt_(static_cast<size_t>(kBlendshapeCount) * settings.felt_size) {
  for (const int dilation : settings.trunk_dilations) {
    layers_.push_back({dilation, std::vector<float>(size_t{2} * dilation * channels_)});
  }
}

void ModelState::past(float* out) const {
  for (const Layer& layer : layers_) {
    // Two dilations ago is as far back as the ring goes: the place that comes next.
    for (const int64_t frame : {frame_, frame_ + layer.dilation}) {
      const int64_t place = frame % (2 * layer.dilation);
      out = std::copy_n(layer.inputs.begin() + place * channels_, channels_, out);
    }
  }
}

void ModelState::remember(Layer* layer, const float* input) const {
  const int64_t ring = 2 * layer->dilation;
  const int64_t first = settled() ? frame_ % ring : 0;
  const int64_t last = settled() ? first + 1 : ring;
  for (int64_t place = first; place < last; ++place) {
    std::copy_n(input, channels_, layer->inputs.begin() + place * channels_);
  }
}

bool ModelState::push(const float* present, const float* feeling, int64_t update) {
  for (Layer& layer : layers_) {
    remember(&layer, present);
    present += channels_;
  }
  if (update != felt_update_) {
    std::copy_n(feeling, felt_.size(), felt_.begin());
    felt_update_ = update;
  }
  if (!settled()) {
    ++settled_;
    return false;
  }
  ++frame_;
  return true;
}

void ModelState::reset() {
  settled_ = 0;
  std::fill(felt_.begin(), felt_.end(), 0.0f);
  felt_update_ = -1;
}

}  // namespace koemorph
