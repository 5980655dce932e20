// Stage `window`: what the network looks at, kept as it arrives.
#pragma once

#include <vector>

namespace koemorph {

// The newest `frames` rows of `width` numbers in a row; before they have come, rows of `fill`.
class Window {
 public:
  Window(int frames, int width, float fill);

  // row: (width,).
  void push(const float* row);
  // (frames, width), oldest first; valid until the next push.
  const float* rows() const;
  int size() const { return frames_ * width_; }
  void reset();

 private:
  int frames_;
  int width_;
  float fill_;
  std::vector<float> ring_;  // every row twice, so that the newest ones always lie in a row
  int at_ = 0;
};

}  // namespace koemorph
