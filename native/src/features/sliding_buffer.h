// Sliding window over rows of numbers.
#pragma once

#include <cstddef>
#include <vector>

namespace koemorph {

// The newest `frames` rows of `width` numbers in contiguous memory; initially rows of `fill`.
class SlidingBuffer {
 public:
  SlidingBuffer(int frames, int width, float fill);

  // row: (width,).
  void push(const float* row);
  // (frames, width), oldest first; valid until the next push.
  const float* data() const {
    return rows_.data() + static_cast<std::size_t>(end_ - frames_) * width_;
  }
  int size() const { return frames_ * width_; }
  void reset();

 private:
  int frames_;
  int width_;
  float fill_;
  std::vector<float> rows_;  // longer than the window, which moves along it and then wraps
  int end_;                  // the row after the newest
};

}  // namespace koemorph
