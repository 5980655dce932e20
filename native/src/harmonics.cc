#include "harmonics.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

constexpr double kSampleRate = 16000.0;
constexpr double kBinWidth = kSampleRate / PitchAnalyzer::kFft;
constexpr int kBins = PitchAnalyzer::kBins;
constexpr float kFloor = 1e-20f;
constexpr float kFormantReach = 0.2f;   // of its frequency: harmonics that may stand for a formant
constexpr float kNoHarmonic = -200.0f;  // dB, where the spectrum has no peak
constexpr float kHnrLimit = 100.0f;     // dB

// Bin of the local maximum nearest to `bin`, the higher bin of two as near; -1 without one within
// reach.
int nearest_peak(const float* magnitude, int bin, int reach) {
  const auto is_peak = [magnitude](int k) {
    return k > 0 && k < kBins - 1 && magnitude[k] > magnitude[k - 1] &&
           magnitude[k] > magnitude[k + 1];
  };
  for (int distance = 0; distance <= reach; ++distance) {
    if (is_peak(bin + distance)) return bin + distance;
    if (is_peak(bin - distance)) return bin - distance;
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

float decibels(float magnitude_ratio) {
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

  const double spacing = f0 / kBinWidth;
  const int reach = static_cast<int>(spacing / 2);
  const auto bin_of = [spacing](int n) { return static_cast<int>(std::lround(n * spacing)); };
  int count = 0;
  float fundamental = 0;
  for (int n = 1; n <= kHarmonics && bin_of(n) < kBins; ++n) {
    const int peak = nearest_peak(magnitude, bin_of(n), reach);
    if (n == 1) {
      fundamental = std::max(magnitude[peak < 0 ? bin_of(1) : peak], kFloor);
      level_[n] = 0;
    } else {
      level_[n] = peak < 0 ? kNoHarmonic : decibels(peak_height(magnitude, peak) / fundamental);
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
  // The set counts the first overtone as H1.
  if (count >= 3) {
    result.h1_h2 = level_[2] - level_[3];
    result.h1_a3 = level_[2] - result.amplitude[2];
  }
  return result;
}

// Energy of the repeating part over that of the rest, from the autocorrelation at the pitch period
// (Boersma 1993).
float HarmonicAnalyzer::hnr(const float* magnitude, float f0) {
  constexpr int kSize = PitchAnalyzer::kFft;
  for (int k = 0; k < kBins; ++k) power_[k] = magnitude[k] * magnitude[k];
  for (int k = kBins; k < kSize; ++k) power_[k] = power_[kSize - k];
  fft_.forward(power_.data(), correlation_.data());
  const auto at = [this](int lag) { return correlation_[lag].real(); };
  const int lag = std::clamp(static_cast<int>(std::lround(kSampleRate / f0)), 1, kBins - 2);
  const float repeating = at(lag);
  const float rest = at(0) - repeating;
  if (!(repeating > 0)) return -kHnrLimit;
  if (!(rest > 0)) return kHnrLimit;
  return std::clamp(10.0f * std::log10(repeating / rest), -kHnrLimit, kHnrLimit);
}

}  // namespace koemorph
