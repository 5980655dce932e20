#include "recall.h"

#include <algorithm>

#include "coefficients.h"

namespace koemorph {

Recall::Recall(const ModelSettings& settings)
    : channels_(settings.trunk_channels),
      felt_(static_cast<size_t>(kCoefficients) * settings.felt_size) {
  for (const int dilation : settings.trunk_dilations) {
    layers_.push_back({dilation, std::vector<float>(size_t{2} * dilation * channels_)});
  }
}

void Recall::past(float* out) const {
  for (const Layer& layer : layers_) {
    // Two dilations ago is as far back as the ring goes: the place that comes next.
    for (const int64_t frame : {frame_, frame_ + layer.dilation}) {
      const int64_t place = frame % (2 * layer.dilation);
      out = std::copy_n(layer.inputs.begin() + place * channels_, channels_, out);
    }
  }
}

void Recall::push(const float* present, const float* feeling, int64_t update) {
  for (Layer& layer : layers_) {
    const int64_t place = frame_ % (2 * layer.dilation);
    std::copy_n(present, channels_, layer.inputs.begin() + place * channels_);
    present += channels_;
  }
  ++frame_;
  if (update == felt_update_) return;
  std::copy_n(feeling, felt_.size(), felt_.begin());
  felt_update_ = update;
}

void Recall::skip() {
  for (Layer& layer : layers_) {
    const int64_t place = frame_ % (2 * layer.dilation);
    std::fill_n(layer.inputs.begin() + place * channels_, channels_, 0.0f);
  }
  ++frame_;
}

void Recall::reset() {
  for (Layer& layer : layers_) std::fill(layer.inputs.begin(), layer.inputs.end(), 0.0f);
  std::fill(felt_.begin(), felt_.end(), 0.0f);
  felt_update_ = -1;
}

}  // namespace koemorph
