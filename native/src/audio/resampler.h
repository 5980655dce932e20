// Stage `resample`: the device's rate to the model's.
#pragma once

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

namespace koemorph {

// Band-limited streaming sample-rate conversion by any ratio of two whole rates: a Kaiser-windowed
// sinc (stop band from the lower Nyquist frequency on, about 92 dB down) kept as a polyphase table.
// Linear phase and delay-compensated: output n stands for time n / out_rate exactly, for which it
// needs latency() seconds of audio beyond that time. Equal rates pass through untouched. Source:
// Smith, "Digital Audio Resampling" (CCRMA); Kaiser's window formulas (Oppenheim & Schafer).
class Resampler {
 public:
  // Rates in Hz, > 0.
  Resampler(int in_rate, int out_rate);

  // Takes `count` samples and writes every output that is complete by then to `out`, which has room
  // for max_output(count); returns how many. Allocates nothing.
  int push(const float* in, int count, float* out);
  // Most samples that one push of `count` can give.
  int max_output(int count) const;
  // Seconds of audio beyond its own time that an output waits for.
  double latency() const;
  void reset();

  // Input samples that an output is made of: half of them, and one more, before its time.
  int taps() const { return taps_; }
  // The sample `back` places before the newest, back < taps().
  float heard(int back) const { return history_[history_at_ + taps_ - 1 - back]; }
  // What was heard before the first sample.
  void precede(const float* in, int count) { keep(in, count); }

  int in_rate() const { return in_rate_; }
  int out_rate() const { return out_rate_; }

 private:
  // The filter at `phases` + 1 places between two input samples.
  struct Table {
    explicit Table(std::pair<int, int> rates);  // in, out
    int taps, phases;
    std::vector<float> rows;  // (phases + 1, taps)
  };

  float output() const;
  void advance();
  void keep(const float* in, int count);
  bool passes() const { return in_rate_ == out_rate_; }

  int in_rate_;
  int out_rate_;
  int64_t step_in_;   // in_rate / gcd: output n is at input position n * step_in / step_out
  int64_t step_out_;  // out_rate / gcd
  std::shared_ptr<const Table> table_;  // of all that convert between these rates
  int taps_;                            // even
  // The newest taps samples, written twice so that they can be read in a row.
  std::vector<float> history_;
  int history_at_ = 0;
  int missing_ = 0;  // input samples until the next output, which needs taps / 2 after its time
  int64_t remainder_ = 0;  // its time after an input sample, in 1 / step_out
};

}  // namespace koemorph
