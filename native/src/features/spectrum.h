// Spectral descriptors of one 20 ms frame: loudness, balance, slopes, flux, MFCC (Eyben et al.
// 2016).
#pragma once

#include <array>
#include <complex>
#include <vector>

#include "egemaps/descriptors.h"
#include "util/fft.h"

namespace koemorph {

struct SpectralDescriptors {
  float loudness = 0;           // mean auditory spectrum
  float alpha_ratio = 0;        // dB, 1-5 kHz over 0-1 kHz
  float hammarberg_index = 0;   // dB, strongest of 0-2 kHz over strongest of 2-5 kHz
  float slope_0_500 = 0;        // dB per Hz
  float slope_500_1500 = 0;     // dB per Hz
  float flux = 0;               // root mean square change of the magnitudes below 5 kHz
  std::array<float, 4> mfcc{};  // 1-4
  float energy = 0;             // mean square of the samples
};

// Holds the tables and the previous magnitudes (for the flux). Does not allocate after
// construction.
class SpectrumAnalyzer {
 public:
  static constexpr int kFrame = 320;  // samples: 20 ms at 16 kHz
  static constexpr int kFft = 512;
  static constexpr double kBinWidth = kEgemapsSampleRate / kFft;  // Hz
  static constexpr int kBins = kFft / 2 + 1;
  static constexpr int kBands = 26;

  SpectrumAnalyzer();

  // samples: kFrame values in [-1, 1].
  SpectralDescriptors analyze(const float* samples);

  // Transform of the last frame; the Hamming-windowed frame lies in the middle of the kFft samples.
  const std::complex<float>* transform() const { return transform_.data(); }

  // Back to the initial state.
  void reset();

 private:
  struct Band {  // the triangle rises over bins [first, center) and falls over [center, last)
    int first = 0, last = 0;
    std::vector<float> weights;
    float loudness_weight = 0;
  };

  void update_bands();
  float loudness() const;
  void cepstrum(std::array<float, 4>* out) const;
  float slope(int first, int last) const;
  float strongest(int first, int last) const;
  float flux();

  RealFft fft_;
  std::vector<float> window_, buffer_, magnitude_, previous_, power_, level_;
  std::vector<std::complex<float>> transform_;
  std::array<Band, kBands> bands_;
  std::array<float, kBands> energies_{};
  std::array<std::array<float, kBands>, 4> cosines_{};
  bool has_previous_ = false;
};

}  // namespace koemorph
