#include "player/weight_blend.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

// Decay of a difference: 0.045 per frame at 60 fps.
constexpr double kDecayPerSecond = 2.7;
constexpr float kNoDifference = 2.0f;  // weights differ by at most 1

}  // namespace

void WeightBlend::advance(double seconds) {
  decay_ = static_cast<float>(std::min<double>(decay_ + seconds * kDecayPerSecond, kNoDifference));
}

void WeightBlend::apply(float* weights) {
  if (pending_ && has_last_) {
    for (int i = 0; i < kBlendshapeCount; ++i) difference_[i] = last_[i] - weights[i];
    decay_ = 0.0f;
  }
  pending_ = false;
  for (int i = 0; i < kBlendshapeCount && decay_ < kNoDifference; ++i) {
    const float left = std::max(0.0f, std::abs(difference_[i]) - decay_);
    if (left > 0.0f) {
      weights[i] = std::clamp(weights[i] + std::copysign(left, difference_[i]), 0.0f, 1.0f);
    }
  }
  std::copy_n(weights, kBlendshapeCount, last_.begin());
  has_last_ = true;
}

}  // namespace koemorph
