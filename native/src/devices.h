// One audio device after another on one line of time, resampled.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "clock.h"
#include "resample.h"

namespace koemorph {

// Counts the samples of all devices together: that is a position. Where the device changes, what
// the one before still rings with and what the next one begins with are added, as if one resampler
// had heard both; only the place of the change is rounded, to a sample of the model's rate.
class Devices {
 public:
  // rate: of the first, Hz; most: samples a push may take.
  Devices(int rate, int model_rate, int most);
  ~Devices();
  Devices(const Devices&) = delete;
  Devices& operator=(const Devices&) = delete;

  // The thread that feeds the stream: from position `at` on, which no sample has reached yet, a
  // device of `rate`. Allocates and locks.
  void change(int64_t at, int rate);

  // Any thread: seconds of audio beyond its own time that a sample of the newest device waits for.
  double latency() const { return latency_.load(std::memory_order_relaxed); }

  // The rest is the worker's. Samples up to `available` have come: how many to push next, all of
  // one device.
  int next_count(int64_t available);
  // Takes that many, or with `counted` false silence that is no part of the voice; the resampled
  // ones are then in output(). Allocates nothing but at a change.
  void push(const float* in, int count, bool counted = true);
  float* output() { return output_.data(); }
  int output_count() const { return output_count_; }
  // `lost` samples never came: time goes on, history is silence.
  void skip(int64_t lost);

  int64_t position() const { return position_; }
  // Where that lies, in samples of the model's rate.
  int64_t model_position() const;
  // Frames that the voice has if it ends there.
  int64_t frames(const FrameClock& clock) const;

  // With no other side active: position 0, a device of `rate`; 0: the newest one's.
  void reset(int rate);

 private:
  struct Device;

  void move_on();
  // Resamples, drops what precedes the change and adds what is left of the device before.
  void append(const float* in, int count);
  std::vector<float> ring_out();

  int model_rate_, most_;
  std::unique_ptr<Device> now_;  // and those to come, each held by the one before
  Device* newest_;               // the feeding thread's
  std::atomic<double> latency_{0.0};

  int64_t position_ = 0;
  int64_t made_ = 0;         // samples of the model's rate given out
  int64_t drop_ = 0;         // outputs of the present device that lie before its beginning
  std::vector<float> rest_;  // of the device before, to be added
  size_t rest_at_ = 0;
  std::vector<float> output_;
  int output_count_ = 0;
};

}  // namespace koemorph
