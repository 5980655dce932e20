#include "features/spectrum.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "util/dot.h"
#include "util/math.h"

namespace koemorph {
namespace {

constexpr double kLowestBand = 20.0;
constexpr double kHighestBand = 8000.0;
constexpr int kFirstBin = 2;  // the bands skip the bin nearest to their lowest frequency
constexpr double kLoudnessExponent = 0.33;  // intensity to loudness
constexpr double kSampleScale = 32767.0;    // HTK counts samples as 16-bit integers
constexpr float kLogFloor = 1.0f;           // of a band's energy before the cepstrum
constexpr float kLevelFloor = 1e-14f;       // of a bin's power before decibels: -140 dB
constexpr int kLifter = 22;

// Bins of the frequency bands of the descriptors (31.25 Hz per bin).
constexpr int kBin500 = 16, kBin1000 = 32, kBin1500 = 48, kBin2000 = 64, kBin5000 = 160;

double hz_to_htk_mel(double hz) { return 1127.0 * std::log(1.0 + hz / 700.0); }
double htk_mel_to_hz(double mels) { return 700.0 * (std::exp(mels / 1127.0) - 1.0); }

// Equal-loudness curve of Hermansky 1990, with the roll-off above 5 kHz.
double equal_loudness(double hz) {
  const double w = 2.0 * kPi * hz;
  const double w2 = w * w;
  return 1e32 * (w2 + 56.8e6) * w2 * w2 /
         ((w2 + 6.3e6) * (w2 + 6.3e6) * (w2 + 0.38e9) * (std::pow(w, 7.0) + 1.7e31));
}

float power_decibels(float ratio) { return 10.0f * std::log10(ratio); }

}  // namespace

SpectrumAnalyzer::SpectrumAnalyzer()
    : fft_(kFft),
      window_(kFrame),
      buffer_(kFft),
      magnitude_(kBins),
      previous_(kBins),
      power_(kBins),
      level_(kBin1500 + 1),
      transform_(kBins) {
  for (int i = 0; i < kFrame; ++i) {
    window_[i] = static_cast<float>(0.54 - 0.46 * std::cos(2.0 * kPi * i / (kFrame - 1)));
  }
  const double low = hz_to_htk_mel(kLowestBand);
  const double step = (hz_to_htk_mel(kHighestBand) - low) / (kBands + 1);
  for (int b = 0; b < kBands; ++b) {
    Band& band = bands_[b];
    const double left = low + b * step;
    for (int k = kFirstBin; k < kBins; ++k) {
      const double position = (hz_to_htk_mel(k * SpectrumAnalyzer::kBinWidth) - left) / step;
      const double weight = 1.0 - std::abs(position - 1.0);
      if (weight <= 0.0) continue;
      if (band.weights.empty()) band.first = k;
      band.weights.push_back(static_cast<float>(weight));
      band.last = k + 1;
    }
    band.loudness_weight = static_cast<float>(equal_loudness(htk_mel_to_hz(left + step)));
  }
  for (int c = 0; c < 4; ++c) {
    const double lifter = 1.0 + kLifter / 2.0 * std::sin(kPi * (c + 1) / kLifter);
    for (int b = 0; b < kBands; ++b) {
      cosines_[c][b] = static_cast<float>(lifter * std::sqrt(2.0 / kBands) *
                                          std::cos(kPi * (c + 1) / kBands * (b + 0.5)));
    }
  }
}

void SpectrumAnalyzer::reset() { has_previous_ = false; }

SpectralDescriptors SpectrumAnalyzer::analyze(const float* samples) {
  constexpr int kOffset = (kFft - kFrame) / 2;
  SpectralDescriptors result;
  for (int i = 0; i < kFrame; ++i) buffer_[kOffset + i] = samples[i] * window_[i];
  result.energy = dot(samples, samples, kFrame) / kFrame;
  fft_.forward(buffer_.data(), transform_.data());
  for (int k = 0; k < kBins; ++k) {
    const std::complex<float> z = transform_[k];
    power_[k] = z.real() * z.real() + z.imag() * z.imag();
    magnitude_[k] = std::sqrt(power_[k]);
  }
  for (int k = 0; k <= kBin1500; ++k) level_[k] = power_decibels(std::max(power_[k], kLevelFloor));

  update_bands();
  result.loudness = loudness();
  cepstrum(&result.mfcc);
  const float low = std::accumulate(&power_[0], &power_[kBin1000], 0.0f);
  const float high = std::accumulate(&power_[kBin1000], &power_[kBin5000 + 1], 0.0f);
  result.alpha_ratio = power_decibels(std::max(high, kLevelFloor) / std::max(low, kLevelFloor));
  result.hammarberg_index = strongest(0, kBin2000) - strongest(kBin2000, kBin5000);
  result.slope_0_500 = slope(0, kBin500);
  result.slope_500_1500 = slope(kBin500, kBin1500);
  result.flux = flux();
  return result;
}

void SpectrumAnalyzer::update_bands() {
  for (int b = 0; b < kBands; ++b) {
    const Band& band = bands_[b];
    energies_[b] =
        std::inner_product(band.weights.begin(), band.weights.end(), &power_[band.first], 0.0f);
  }
}

float SpectrumAnalyzer::loudness() const {
  float sum = 0;
  for (int b = 0; b < kBands; ++b) {
    sum +=
        std::pow(energies_[b] * bands_[b].loudness_weight, static_cast<float>(kLoudnessExponent));
  }
  return sum / kBands;
}

void SpectrumAnalyzer::cepstrum(std::array<float, 4>* out) const {
  constexpr auto kScale = static_cast<float>(kSampleScale * kSampleScale);
  std::array<float, kBands> logs;
  for (int b = 0; b < kBands; ++b) logs[b] = std::log(std::max(energies_[b] * kScale, kLogFloor));
  for (int c = 0; c < 4; ++c) {
    (*out)[c] = std::inner_product(logs.begin(), logs.end(), cosines_[c].begin(), 0.0f);
  }
}

// Least-squares line through the levels of bins [first, last]. As in the eGeMAPS reference, the
// count is the width of the band in bins, last - first, one less than the number of bins summed.
float SpectrumAnalyzer::slope(int first, int last) const {
  const auto count = static_cast<double>(last - first);
  double sum_x = 0, sum_xx = 0, sum_y = 0, sum_xy = 0;
  for (int k = first; k <= last; ++k) {
    sum_x += k;
    sum_xx += static_cast<double>(k) * k;
    sum_y += level_[k];
    sum_xy += static_cast<double>(k) * level_[k];
  }
  const double slope = (sum_xy - sum_x * sum_y / count) / (sum_xx - sum_x * sum_x / count) /
                       SpectrumAnalyzer::kBinWidth;
  return static_cast<float>(slope);
}

// In decibels. level_ does not cover these bins, and one logarithm is enough for a maximum.
float SpectrumAnalyzer::strongest(int first, int last) const {
  return power_decibels(
      std::max(*std::max_element(&power_[first], &power_[last] + 1), kLevelFloor));
}

float SpectrumAnalyzer::flux() {
  float sum = 0;
  if (has_previous_) {
    for (int k = 0; k < kBin5000; ++k) {
      const float difference = magnitude_[k] - previous_[k];
      sum += difference * difference;
    }
  }
  std::swap(magnitude_, previous_);
  has_previous_ = true;
  return std::sqrt(sum / kBin5000);
}

}  // namespace koemorph
