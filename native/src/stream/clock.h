// Exact conversion between samples and frames, without drift.
#pragma once

#include <cstdint>

namespace koemorph {

// round(numerator / denominator), halves up; for numerator >= 0 and denominator > 0.
constexpr int64_t round_divide(int64_t numerator, int64_t denominator) {
  return (2 * numerator + denominator) / (2 * denominator);
}

// Frame k is at time k / fps and is computed from the audio up to lookahead_frames later.
struct FrameClock {
  int sample_rate = 16000;
  int fps = 30;
  int lookahead_frames = 1;

  // Number of samples from time 0 that frame k needs.
  constexpr int64_t end_sample(int64_t k) const {
    return round_divide((k + lookahead_frames) * sample_rate, fps);
  }
  // Number of frames of `sample_count` samples: round(duration * fps).
  constexpr int64_t frames_in(int64_t sample_count, int rate) const {
    return round_divide(sample_count * fps, rate);
  }
};

}  // namespace koemorph
