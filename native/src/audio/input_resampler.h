// One audio device after another on one line of time, resampled.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "stream/clock.h"
#include "audio/resampler.h"

namespace koemorph {

// Counts the samples of all devices together: that is a position. Where the device changes, each of
// the two resamplers gives the outputs of its own device's time, and hears beyond it what the other
// device heard, drawn between samples. So no output leans on a voice cut off, and 16 kHz, which
// pass through untouched, join the rest as well. Only the place of the change is rounded, to a
// sample of the model's rate.
class InputResampler {
 public:
  // rate: of the first, Hz; most: samples a push may take.
  InputResampler(int rate, int model_rate, int most);
  ~InputResampler();
  InputResampler(const InputResampler&) = delete;
  InputResampler& operator=(const InputResampler&) = delete;

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
  int output_count() const { return static_cast<int>(output_.size()); }
  // `lost` samples never came: time goes on, history is silence.
  void skip(int64_t lost);

  int64_t position() const { return position_; }
  // Where that lies, in samples of the model's rate.
  int64_t model_position() const;
  // Frames that the voice has if it ends there.
  int64_t frames(const FrameClock& clock) const;

  // With no other side active: Hz of the newest device.
  int rate() const;
  // The same: position 0, a device of `rate`. Where memory is lacking all stays as it was.
  void reset(int rate);

 private:
  struct Device;

  void move_on();
  void make_ready();
  void precede(float first);
  void lead_on(const float* in, int count);
  void feed(float sample);
  void end_before();
  // There is no device before the present one.
  void forget();

  int model_rate_, most_;
  std::unique_ptr<Device> before_;  // until it has given all outputs of its time
  std::unique_ptr<Device> now_;     // and those to come, each held by the one before
  Device* newest_;                  // the feeding thread's
  std::atomic<double> latency_{0.0};

  int64_t position_ = 0;
  int64_t made_ = 0;            // outputs up to now, without those that wait
  int64_t taken_ = 0;           // samples of the present device that the one before was led through
  int64_t fed_ = 0;             // in so many samples of its own
  float last_ = 0.0f;           // the last of those taken
  std::vector<float> waiting_;  // outputs of the present device, until the one before is done
  std::vector<float> ready_;    // outputs that the next push begins with
  std::vector<float> output_;
};

}  // namespace koemorph
