#include "egemaps/harmonics.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

constexpr int kBins = PitchAnalyzer::kBins;
constexpr float kFloor = 1e-20f;
constexpr float kFormantReach =
    0.2f;  // largest distance of a harmonic from a formant, relative to its frequency
constexpr float kNoHarmonic = -200.0f;  // dB, without a peak in the spectrum
constexpr float kHnrLimit = 100.0f;     // dB

// Index of the local maximum in [first, last] nearest to `at`, the higher of two at the same
// distance; -1 if there is none.
template <typename Value>
int nearest_peak(Value value, int at, int first, int last) {
  const auto is_peak = [&](int k) {
    return k >= first && k <= last && value(k) > value(k - 1) && value(k) > value(k + 1);
  };
  const int reach = std::max(at - first, last - at);
  for (int distance = 0; distance <= reach; ++distance) {
    if (is_peak(at + distance)) return at + distance;
    if (is_peak(at - distance)) return at - distance;
  }
  return -1;
}

float peak_height(const float* magnitude, int bin) {
  const float middle = magnitude[bin];
  if (bin == 0 || bin == kBins - 1) return middle;
  const float left = magnitude[bin - 1], right = magnitude[bin + 1];
  const float bend = left - 2.0f * middle + right;
  if (!(bend < 0) || middle < left || middle < right) return middle;
  const float slope = left - right;
  return middle - 0.125f * slope * slope / bend;
}

float amplitude_decibels(float magnitude_ratio) {
  return 20.0f * std::log10(std::max(magnitude_ratio, kFloor));
}

}  // namespace

HarmonicAnalyzer::HarmonicAnalyzer()
    : fft_(PitchAnalyzer::kFft), power_(PitchAnalyzer::kFft), correlation_(kBins) {}

HarmonicDescriptors HarmonicAnalyzer::analyze(const float* magnitude, float f0,
                                              const Formants& formants) {
  HarmonicDescriptors result;
  if (!(f0 > 0)) return result;
  result.hnr = hnr(magnitude, f0);

  const double spacing = f0 / PitchAnalyzer::kBinWidth;
  const auto bin_of = [spacing](double n) { return static_cast<int>(std::lround(n * spacing)); };
  const auto level = [magnitude](int k) { return magnitude[k]; };
  int count = 0;
  float fundamental = 0;
  for (int n = 1; n <= kHarmonics && bin_of(n) < kBins; ++n) {
    const int peak = nearest_peak(level, bin_of(n), std::max(bin_of(n - 0.5), 1),
                                  std::min(bin_of(n + 0.5), kBins - 2));
    if (n == 1) {
      fundamental = std::max(magnitude[peak < 0 ? bin_of(1) : peak], kFloor);
      level_[n] = 0;
    } else {
      level_[n] =
          peak < 0 ? kNoHarmonic : amplitude_decibels(peak_height(magnitude, peak) / fundamental);
    }
    count = n;
  }
  for (int i = 0; i < 3; ++i) {
    const float frequency = formants.frequency[i];
    if (!(frequency > 0)) continue;
    const float nearest = frequency / f0;
    const int last = std::max(1, static_cast<int>((1 + kFormantReach) * nearest));
    const int first =
        std::clamp(static_cast<int>(std::ceil((1 - kFormantReach) * nearest)), 1, last);
    for (int n = first; n <= std::min(last, count); ++n) {
      result.amplitude[i] = std::max(result.amplitude[i], level_[n]);
    }
  }
  // eGeMAPS counts the first overtone as H1.
  if (count >= 3) {
    result.h1_h2 = level_[2] - level_[3];
    result.h1_a3 = level_[2] - result.amplitude[2];
  }
  return result;
}

// Harmonics-to-noise ratio from the maximum of the autocorrelation nearest to the pitch period
// (Boersma 1993).
float HarmonicAnalyzer::hnr(const float* magnitude, float f0) {
  constexpr int kSize = PitchAnalyzer::kFft;
  for (int k = 0; k < kBins; ++k) power_[k] = magnitude[k] * magnitude[k];
  for (int k = kBins; k < kSize; ++k) power_[k] = power_[kSize - k];
  fft_.forward(power_.data(), correlation_.data());
  const auto at = [this](int lag) { return correlation_[lag].real(); };
  const int period = std::clamp(static_cast<int>(kEgemapsSampleRate / f0), 1, kBins - 2);
  // Reversed, because the lower of two at the same distance is needed.
  const int peak = -nearest_peak([&at](int k) { return at(-k); }, -period, -(kBins - 2), -1);
  const float repeating = at(peak > 1 ? peak : period);
  const float rest = at(0) - repeating;
  if (!(repeating > 0)) return -kHnrLimit;
  if (!(rest > 0)) return kHnrLimit;
  return std::clamp(10.0f * std::log10(repeating / rest), -kHnrLimit, kHnrLimit);
}

}  // namespace koemorph
