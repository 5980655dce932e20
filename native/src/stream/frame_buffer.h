// Computed frames, from the worker to the game thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace koemorph {

// Ring buffer of the newest `capacity` frames with one writer and one reader; neither waits. The
// reader gets each frame once in order (pull) or interpolates at any time (sample).
class FrameBuffer {
 public:
  FrameBuffer(int capacity, int width, int fps);

  // Writer: weights (width,) of frame `index`, which is greater than all before. Frames left out (a
  // gap in the audio) repeat the last weights.
  void push(int64_t index, const float* weights);

  // Writer: fills up to frame `end` - 1 with the last weights.
  void hold(int64_t end);

  // Reader: copies the next frame (min(count, width) weights) and its index; false when there is
  // none.
  bool pull(float* weights, int count, int64_t* index);
  // Reader: the weights at `time` seconds, interpolated; those of the nearest frame outside the
  // stored range. False, and weights of 0, when there is no frame, and for NaN.
  bool sample(double time, float* weights, int count) const;

  // Any thread.
  int64_t frame_count() const { return end_.load(std::memory_order_acquire); }
  int64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }
  // With neither side active.
  void reset();

 private:
  void write(int64_t index, const float* weights);
  // Interpolates between two frames; false when one of them was overwritten during the read.
  bool interpolate(int64_t first, int64_t second, float fraction, float* weights, int count) const;
  int64_t oldest(int64_t end) const;

  int64_t capacity_;
  int64_t slots_;  // capacity_ + 1, so that the slot being written holds no stored frame
  int width_;
  int fps_;
  std::vector<std::atomic<float>> weights_;
  std::vector<std::atomic<int64_t>> index_;  // frame in each slot; -1 while it is written
  std::vector<float> last_;                  // last pushed weights; writer
  std::atomic<int64_t> end_{0};              // frames 0..end_-1 were written
  int64_t next_ = 0;                         // next frame of pull; reader
  std::atomic<int64_t> skipped_{0};
};

}  // namespace koemorph
