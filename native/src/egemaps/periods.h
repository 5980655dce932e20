// Single pitch periods of the voice: jitter (of their lengths) and shimmer (of their heights).
#pragma once

#include <cstdint>

namespace koemorph {

struct PeriodDescriptors {
  float jitter = 0;   // change of length from period to period, over the length
  float shimmer = 0;  // change of height from period to period, dB

  bool operator==(const PeriodDescriptors& other) const {
    return jitter == other.jitter && shimmer == other.shimmer;
  }
};

// Follows the waveform from period to period through voiced frames, at least one period a frame.
// A small value: copy it to look ahead and forget the copy.
class PeriodTracker {
 public:
  static constexpr int kReachBack = 640;  // samples before a frame that it may still look at

  // The stretch of the voice's waveform that is at hand: samples[0] is sample `begin` of the
  // stream.
  struct Waveform {
    const float* samples;
    int64_t begin, end;
  };

  // The frame whose audio starts at sample `start` (frames come in order, `step` samples apart);
  // f0: Hz at 16 kHz, 0 where unvoiced. A frame without a clear period keeps the values before it.
  PeriodDescriptors measure(const Waveform& wave, int64_t start, int step, float f0);

  void reset() { *this = PeriodTracker(); }

  bool operator==(const PeriodTracker& other) const {
    return next_ == other.next_ && last_length_ == other.last_length_ && kept_ == other.kept_;
  }

 private:
  int64_t next_ = -1;      // where the next period starts; -1 outside of voice
  float last_length_ = 0;  // samples; 0 when there is none to compare with
  PeriodDescriptors kept_;
};

}  // namespace koemorph
