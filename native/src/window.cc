#include "window.h"

#include <algorithm>

namespace koemorph {

Window::Window(int frames, int width, float fill)
    : frames_(frames),
      width_(width),
      fill_(fill),
      ring_(2 * static_cast<size_t>(frames) * width, fill) {}

void Window::reset() {
  std::fill(ring_.begin(), ring_.end(), fill_);
  at_ = 0;
}

void Window::push(const float* row) {
  const auto offset = static_cast<size_t>(at_) * width_;
  std::copy(row, row + width_, ring_.begin() + offset);
  std::copy(row, row + width_, ring_.begin() + offset + static_cast<size_t>(frames_) * width_);
  at_ = at_ + 1 == frames_ ? 0 : at_ + 1;
}

const float* Window::rows() const { return ring_.data() + static_cast<size_t>(at_) * width_; }

}  // namespace koemorph
