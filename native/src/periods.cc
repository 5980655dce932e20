#include "periods.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

constexpr float kSampleRate = 16000.0f;
constexpr float kSearch = 0.1f;            // of the period, to either side
constexpr float kLeastCorrelation = 0.5f;  // of two neighbouring periods

float correlation(const float* a, const float* b, int count) {
  float ab = 0, aa = 0, bb = 0;
  for (int i = 0; i < count; ++i) {
    ab += a[i] * b[i];
    aa += a[i] * a[i];
    bb += b[i] * b[i];
  }
  const float scale = aa * bb;
  return scale > 0 ? ab / std::sqrt(scale) : 0.0f;
}

float height(const float* samples, int count) {
  const auto range = std::minmax_element(samples, samples + count);
  return *range.second - *range.first;
}

struct Match {
  int lag = 0;
  float length = 0;  // the lag, interpolated
  float correlation = -1;
};

// Where the waveform from `period` on repeats itself best.
Match find_repeat(const float* period, int shortest, int longest, int compared) {
  Match best;
  const auto at = [&](int lag) { return correlation(period, period + lag, compared); };
  for (int lag = shortest; lag <= longest; ++lag) {
    const float value = at(lag);
    if (value > best.correlation) best = {lag, 0, value};
  }
  const float left = at(best.lag - 1), right = at(best.lag + 1);
  const float bend = left - 2.0f * best.correlation + right;
  const float offset = bend < 0 ? std::clamp(0.5f * (left - right) / bend, -1.0f, 1.0f) : 0.0f;
  best.length = static_cast<float>(best.lag) + offset;
  return best;
}

}  // namespace

PeriodDescriptors PeriodTracker::measure(const Waveform& wave, int64_t start, int step, float f0) {
  PeriodDescriptors result;
  if (!(f0 > 0)) {
    reset();
    return result;
  }
  const float expected = kSampleRate / f0;
  const auto shortest = static_cast<int>(std::floor(expected * (1 - kSearch)));
  const auto longest = static_cast<int>(std::ceil(expected * (1 + kSearch)));
  const auto compared = static_cast<int>(std::lround(expected));
  if (next_ < wave.begin) next_ = start;
  float lengths = 0, length_changes = 0, heights = 0, height_changes = 0;
  while (next_ + compared <= start + step && next_ + longest + 1 + compared <= wave.end) {
    const float* period = wave.samples + (next_ - wave.begin);
    const Match match = find_repeat(period, shortest, longest, compared);
    const bool repeats = match.correlation >= kLeastCorrelation;
    const float now = height(period, match.lag);
    if (repeats && last_length_ > 0) {
      length_changes += std::abs(match.length - last_length_);
      lengths += 0.5f * (match.length + last_length_);
      height_changes += std::abs(now - last_height_);
      heights += 0.5f * (now + last_height_);
    }
    last_length_ = repeats ? match.length : 0.0f;
    last_height_ = now;
    next_ += match.lag;
  }
  if (lengths > 0) result.jitter = length_changes / lengths;
  if (heights > 0) result.shimmer = 20.0f * std::log10(1.0f + height_changes / heights);
  return result;
}

}  // namespace koemorph
