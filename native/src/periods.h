// Single pitch periods of a voiced frame: jitter (of their lengths) and shimmer (of their heights).
#pragma once

#include <vector>

namespace koemorph {

struct PeriodDescriptors {
  float jitter = 0;   // mean change of length from period to period, over the mean length
  float shimmer = 0;  // mean change of height from period to period, dB
};

// samples: `count` of them around the frame; f0: Hz at 16 kHz, 0 where unvoiced.
PeriodDescriptors measure_periods(const float* samples, int count, float f0);

}  // namespace koemorph
