// Pitch periods: jitter (variation of length) and shimmer (variation of amplitude).
#pragma once

#include <cstdint>

namespace koemorph {

struct PeriodDescriptors {
  float jitter = 0;   // change of length between periods, relative to the length
  float shimmer = 0;  // change of amplitude between periods, dB

  bool operator==(const PeriodDescriptors& other) const {
    return jitter == other.jitter && shimmer == other.shimmer;
  }
};

// Tracks the periods of the waveform through voiced frames, at least one period per frame. Small:
// copy it for speculative updates.
class PeriodTracker {
 public:
  static constexpr int kReachBack = 640;  // samples before a frame that may be read

  // Part of the waveform: samples[0] is sample `begin` of the stream.
  struct Waveform {
    const float* samples;
    int64_t begin, end;
  };

  // The frame whose audio starts at sample `start` (frames come in order, `step` samples apart);
  // f0: Hz at 16 kHz, 0 where unvoiced. A frame without a clear period keeps the previous values.
  PeriodDescriptors measure(const Waveform& wave, int64_t start, int step, float f0);

  void reset() { *this = PeriodTracker(); }

  bool operator==(const PeriodTracker& other) const {
    return next_ == other.next_ && last_length_ == other.last_length_ && last_ == other.last_;
  }

 private:
  int64_t next_ = -1;      // start of the next period; -1 in unvoiced frames
  float last_length_ = 0;  // samples; 0 without a previous period
  PeriodDescriptors last_;
};

}  // namespace koemorph
