// Harmonics of a voiced frame: harmonics-to-noise ratio, their differences, and the level of the
// formants.
#pragma once

#include <array>
#include <complex>
#include <vector>

#include "egemaps/formants.h"
#include "egemaps/pitch.h"
#include "util/fft.h"

namespace koemorph {

struct HarmonicDescriptors {
  static constexpr float kUnvoicedAmplitude = -201.0f;  // dB, for unvoiced frames
  float hnr = 0;                                        // dB
  float h1_h2 = 0;                                      // dB
  float h1_a3 = 0;                                      // dB
  std::array<float, 3> amplitude{kUnvoicedAmplitude, kUnvoicedAmplitude, kUnvoicedAmplitude};
};

// Stateless between frames. Does not allocate after construction.
class HarmonicAnalyzer {
 public:
  HarmonicAnalyzer();

  // magnitude: PitchAnalyzer::kBins values; f0: Hz, 0 where unvoiced.
  HarmonicDescriptors analyze(const float* magnitude, float f0, const Formants& formants);

 private:
  static constexpr int kHarmonics = 100;

  float hnr(const float* magnitude, float f0);

  RealFft fft_;
  std::vector<float> power_;
  std::vector<std::complex<float>> correlation_;
  std::array<float, kHarmonics + 1>
      level_{};  // level of harmonic n relative to the fundamental, dB
};

}  // namespace koemorph
