// Names of eGeMAPSv02: 25 low-level descriptors and 88 functionals, 62 of them also in GeMAPSv01b.
#pragma once

#include <array>

namespace koemorph {

constexpr double kEgemapsSampleRate = 16000.0;
constexpr int kLldCount = 25;
constexpr int kFunctionalCount = 88;

// Index of each low-level descriptor.
enum Lld {
  kLoudness,
  kAlphaRatio,
  kHammarberg,
  kSlope0,
  kSlope500,
  kFlux,
  kMfcc,  // 4 of them
  kF0 = kMfcc + 4,
  kJitter,
  kShimmer,
  kHnr,
  kH1H2,
  kH1A3,
  kFormants,  // frequency, bandwidth, amplitude of F1, F2, F3
};

// Descriptors of one 10 ms step before smoothing.
struct EgemapsFrame {
  std::array<float, kLldCount> lld{};
  float energy = 0;  // mean square, for the equivalent sound level
};

extern const std::array<const char*, kLldCount> kLldNames;
extern const std::array<const char*, kFunctionalCount> kFunctionalNames;

}  // namespace koemorph
