// Pitch candidates of one 60 ms frame by subharmonic summation (Hermes 1988).
#pragma once

#include <array>
#include <complex>
#include <vector>

#include "egemaps/descriptors.h"
#include "util/fft.h"

namespace koemorph {

struct PitchCandidate {
  float frequency = 0;  // Hz
  float voicing = 0;    // 0-1: prominence of the candidate in the summed spectrum
};

struct PitchCandidates {
  static constexpr int kMaxCount = 6;
  int count = 0;
  std::array<PitchCandidate, kMaxCount> best{};  // best first
  float energy = 0;                              // RMS of the windowed frame
};

// Stateless between frames. Does not allocate after construction.
class PitchAnalyzer {
 public:
  static constexpr int kFrame = 960;  // samples: 60 ms at 16 kHz
  static constexpr int kFft = 1024;
  static constexpr double kBinWidth = kEgemapsSampleRate / kFft;  // Hz
  static constexpr int kBins = kFft / 2 + 1;

  PitchAnalyzer();

  // samples: kFrame values in [-1, 1].
  PitchCandidates analyze(const float* samples);

  // Of the last frame, Gaussian window.
  const float* magnitude() const { return magnitude_.data(); }

 private:
  static constexpr int kPoints = kBins;  // of the logarithmic frequency axis

  struct Knot {  // of the spline: a bin and the interval to the next
    float octaves = 0, per_octave = 0, pivot = 0;
  };

  struct Point {  // of the axis: spline weights for bins `bin` and `bin + 1`, auditory weight
    int bin;
    float a, b, a3, b3, weight;
  };

  struct Tables {
    Tables();
    void make_knots();
    void make_points();
    std::array<float, kFrame> window;
    std::array<Knot, kBins> knots;
    std::array<Point, kPoints> points;
  };

  static const Tables& tables();
  void keep_peaks();
  void smooth();
  void to_octaves();
  void sum_subharmonics();
  void collect(PitchCandidates* out) const;

  const Tables& tables_;  // shared by all streams
  RealFft fft_;
  std::vector<float> buffer_, magnitude_, marks_, peaks_, smoothed_, curvature_;
  std::vector<float> octaves_, summed_;
  std::vector<std::complex<float>> transform_;
};

}  // namespace koemorph
