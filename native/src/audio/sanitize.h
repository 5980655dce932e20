// Input samples that later stages can compute with.
#pragma once

#include <algorithm>
#include <cmath>

namespace koemorph {

// 40 dB above full scale. The power of larger values could overflow in later stages.
constexpr float kMaxSample = 100.0f;

// Applied per channel, so that a broken channel does not silence the others.
inline float sanitize(float sample) {
  return std::isfinite(sample) ? std::clamp(sample, -kMaxSample, kMaxSample) : 0.0f;
}

}  // namespace koemorph
