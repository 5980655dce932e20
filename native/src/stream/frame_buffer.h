// Computed frames on their way from the worker to the game thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace koemorph {

// The newest `capacity` frames, written by one thread and read by another; neither ever waits. The
// reader takes them in order (pull) or at any time (sample).
class FrameBuffer {
 public:
  FrameBuffer(int capacity, int width, int fps);

  // Writer: weights (width,) of frame `index`, which is past every one before. FrameBuffer left out (a
  // gap in the audio) hold the face that was.
  void push(int64_t index, const float* weights);

  // Writer: frames before `end` that are not there yet hold the face that was.
  void hold(int64_t end);

  // Reader: copies the next frame (min(n, width) weights) and its index; false when none is
  // waiting.
  bool pull(float* weights, int n, int64_t* index);
  // Reader: the face at `time` seconds, interpolated; the nearest frame's outside of what is held.
  // False, and weights of 0, while there is no frame, and at NaN.
  bool sample(double time, float* weights, int n) const;

  // Any thread.
  int64_t count() const { return end_.load(std::memory_order_acquire); }
  int64_t skipped() const { return skipped_.load(std::memory_order_relaxed); }
  // With neither side active.
  void reset();

 private:
  void write(int64_t index, const float* weights);
  // Weights between two frames; false when one of them was overwritten meanwhile.
  bool blend(int64_t index, int64_t other, float share, float* weights, int n) const;
  int64_t oldest(int64_t end) const;

  int64_t capacity_;
  int64_t places_;  // one more: what is being written is never a frame that is held
  int width_;
  int fps_;
  std::vector<std::atomic<float>> weights_;
  std::vector<std::atomic<int64_t>> index_;  // which frame a place holds; -1 while it is written
  std::vector<float> last_;                  // the writer's
  std::atomic<int64_t> end_{0};              // frames 0..end-1 have been written
  int64_t next_ = 0;                         // the reader's
  std::atomic<int64_t> skipped_{0};
};

}  // namespace koemorph
