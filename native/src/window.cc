#include "window.h"

#include <algorithm>

namespace koemorph {

Window::Window(int frames, int width, float fill)
    : frames_(frames),
      width_(width),
      fill_(fill),
      ring_(static_cast<size_t>(frames) * width, fill) {}

void Window::reset() {
  std::fill(ring_.begin(), ring_.end(), fill_);
  at_ = 0;
}

void Window::push(const float* row) {
  std::copy(row, row + width_, ring_.begin() + static_cast<size_t>(at_) * width_);
  at_ = at_ + 1 == frames_ ? 0 : at_ + 1;
}

void Window::copy(float* out, int most) const {
  const int split = at_ * width_;  // the oldest number
  const int late = std::min(most, size() - split);
  std::copy_n(ring_.begin() + split, late, out);
  std::copy_n(ring_.begin(), std::min(most - late, split), out + late);
}

const float* Window::newest() const {
  const int last = at_ == 0 ? frames_ - 1 : at_ - 1;
  return ring_.data() + static_cast<size_t>(last) * width_;
}

}  // namespace koemorph
