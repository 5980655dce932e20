// Sample rate conversion.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace koemorph {

// Band-limited streaming sample rate conversion by any ratio of two integer rates: a
// Kaiser-windowed sinc (stop band from the lower Nyquist frequency on, -92 dB) stored as a
// polyphase table. Linear phase and delay-compensated: output n is the signal at time n / out_rate,
// so it needs latency() seconds of audio beyond that time. Equal rates are copied unchanged.
// Source: Smith, "Digital Audio Resampling" (CCRMA); Kaiser's window formulas (Oppenheim &
// Schafer).
class Resampler {
 public:
  // Rates in Hz, > 0.
  Resampler(int in_rate, int out_rate);

  // Takes `count` samples and writes all outputs that are complete to `out`, an array of
  // max_output(count); returns their number. Does not allocate.
  int push(const float* in, int count, float* out);
  // Largest number of outputs of one push of `count` samples.
  int max_output(int count) const;
  // Seconds of audio that an output needs beyond its own time.
  double latency() const;
  void reset();

  // Length of the filter in input samples.
  int taps() const { return taps_; }
  // The input sample `back` samples before the newest, back < taps().
  float history(int back) const { return history_[history_at_ + taps_ - 1 - back]; }
  // Input before the first sample. It has no outputs.
  void push_history(const float* in, int count) { store(in, count); }

  int in_rate() const { return in_rate_; }
  int out_rate() const { return out_rate_; }

 private:
  // The filter at `phases` + 1 fractional delays.
  struct Table {
    explicit Table(std::pair<int, int> rates);  // in, out
    int taps, phases;
    std::vector<float> rows;  // (phases + 1, taps)
  };

  float output() const;
  void next_output();
  void store(const float* in, int count);
  bool is_copy() const { return in_rate_ == out_rate_; }

  int in_rate_;
  int out_rate_;
  int64_t step_in_;   // in_rate / gcd: output n is at input position n * step_in / step_out
  int64_t step_out_;  // out_rate / gcd
  std::shared_ptr<const Table> table_;  // shared by all resamplers of these rates
  int taps_;                            // even
  // The newest taps samples, stored twice so that they are always contiguous.
  std::vector<float> history_;
  int history_at_ = 0;
  int missing_ = 0;  // input samples until the next output, which needs taps / 2 beyond its time
  int64_t remainder_ = 0;  // time of the next output after an input sample, in 1 / step_out
};

}  // namespace koemorph
