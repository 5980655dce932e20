// Stage `resample`: input audio whose sample rate may change, on one continuous timeline.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "audio/resampler.h"
#include "stream/clock.h"

namespace koemorph {

// A position counts input samples over all changes of the sample rate. A segment is the input
// between two changes. Each segment has its own resampler, which computes exactly the outputs
// within the time of its segment. At a change the filters need samples from the other side; these
// are interpolated from the other segment, so that there is no click or gap, also when one of the
// two rates needs no resampling. Only the time of a change is rounded, to one sample of the model
// rate.
class InputResampler {
 public:
  // sample_rate: Hz of the first segment; block_size: most samples per push.
  InputResampler(int sample_rate, int model_rate, int block_size);
  ~InputResampler();
  InputResampler(const InputResampler&) = delete;
  InputResampler& operator=(const InputResampler&) = delete;

  // Audio thread: starts a segment of `sample_rate` at position `at`, which no sample has reached
  // yet. Allocates and locks.
  void set_sample_rate(int64_t at, int sample_rate);

  // Any thread: seconds of audio that an output of the newest segment needs beyond its own time.
  double latency() const { return latency_.load(std::memory_order_relaxed); }

  // Worker thread, as all of the following. Samples up to position `available` have arrived: the
  // number to push next, all of one segment.
  int next_count(int64_t available);
  // Takes that many samples; the result is in output(). counted = false: silence after the end of
  // the audio, which does not advance the position. Allocates only at a change of the rate.
  void push(const float* in, int count, bool counted = true);
  float* output() { return output_.data(); }
  const float* output() const { return output_.data(); }
  int output_count() const { return static_cast<int>(output_.size()); }
  // `lost` samples are missing: the position advances, the history becomes silence.
  void skip(int64_t lost);

  int64_t position() const { return position_; }
  // The same in samples of the model rate.
  int64_t model_position() const;
  // Number of frames of audio that ends at this position.
  int64_t frames(const FrameClock& clock) const;

  // With no other thread active: Hz of the newest segment.
  int sample_rate() const;
  // With no other thread active: back to position 0. Leaves the object unchanged when it throws.
  void reset(int sample_rate);

 private:
  struct Segment;

  void next_segment();
  void finish_previous_early();
  void fill_history(float first);
  void feed_previous(const float* in, int count);
  void push_to_previous(float sample);
  void end_previous();
  void drop_previous();

  int model_rate_, block_size_;
  std::unique_ptr<Segment> previous_;  // until it has computed all outputs of its time
  std::unique_ptr<Segment> current_;   // owns the list of the following segments
  Segment* newest_;                    // end of that list; belongs to the audio thread
  std::atomic<double> latency_{0.0};

  int64_t position_ = 0;
  int64_t output_position_ = 0;  // outputs so far, without pending_
  // While previous_ exists, it gets the samples of the current segment at its own rate.
  int64_t current_fed_ = 0;      // samples of the current segment used for that
  int64_t previous_fed_ = 0;     // samples at the previous rate made of them
  float last_fed_ = 0.0f;        // last sample of the current segment used
  std::vector<float> pending_;   // outputs of the current segment, to follow those of previous_
  std::vector<float> leftover_;  // outputs that the next push returns first
  std::vector<float> output_;
};

}  // namespace koemorph
