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

}  // namespace

PeriodDescriptors measure_periods(const float* samples, int count, float f0) {
  PeriodDescriptors result;
  if (!(f0 > 0)) return result;
  const float expected = kSampleRate / f0;
  const int shortest = static_cast<int>(std::floor(expected * (1 - kSearch)));
  const int longest = static_cast<int>(std::ceil(expected * (1 + kSearch)));
  const int compared = static_cast<int>(std::lround(expected));

  float last_length = 0, last_height = 0, lengths = 0, length_changes = 0, height_changes = 0;
  int periods = 0, changes = 0;
  int start = 0;
  while (start + longest + 1 + compared <= count) {
    const auto match = [&](int lag) {
      return correlation(samples + start, samples + start + lag, compared);
    };
    int best = shortest;
    float best_match = -1;
    for (int lag = shortest; lag <= longest; ++lag) {
      const float value = match(lag);
      if (value > best_match) {
        best_match = value;
        best = lag;
      }
    }
    const float left = match(best - 1), right = match(best + 1);
    const float bend = left - 2.0f * best_match + right;
    const float offset = bend < 0 ? std::clamp(0.5f * (left - right) / bend, -1.0f, 1.0f) : 0.0f;
    const float length = static_cast<float>(best) + offset;
    const float now = height(samples + start, best);
    if (best_match >= kLeastCorrelation) {
      if (last_length > 0) {
        length_changes += std::abs(length - last_length);
        if (now > 0 && last_height > 0) {
          height_changes += std::abs(20.0f * std::log10(now / last_height));
        }
        ++changes;
      }
      lengths += length;
      ++periods;
      last_length = length;
      last_height = now;
    }
    start += best;
  }
  if (changes > 0) {
    result.jitter =
        length_changes / static_cast<float>(changes) / (lengths / static_cast<float>(periods));
    result.shimmer = height_changes / static_cast<float>(changes);
  }
  return result;
}

}  // namespace koemorph
