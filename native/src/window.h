// Stage `window`: what the network looks at, kept as it arrives.
#pragma once

#include <vector>

namespace koemorph {

// The newest `frames` rows of `width` numbers; before they have come, rows of `fill`.
class Window {
 public:
  Window(int frames, int width, float fill);

  // row: (width,).
  void push(const float* row);
  // out: the first min(most, size()) numbers of (frames, width), oldest first.
  void copy(float* out, int most) const;
  // (width,): the row pushed last.
  const float* newest() const;
  int size() const { return frames_ * width_; }
  void reset();

 private:
  int frames_;
  int width_;
  float fill_;
  std::vector<float> ring_;  // the oldest row is at at_
  int at_ = 0;
};

}  // namespace koemorph
