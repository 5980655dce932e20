#include "features/sliding_buffer.h"

#include <algorithm>

namespace koemorph {
namespace {

constexpr int kLap = 8;  // the window moves by an eighth of its length before it wraps

}  // namespace

SlidingBuffer::SlidingBuffer(int frames, int width, float fill)
    : frames_(frames),
      width_(width),
      fill_(fill),
      rows_(static_cast<size_t>(frames + std::max(1, frames / kLap)) * width, fill),
      end_(frames) {}

void SlidingBuffer::reset() {
  std::fill(rows_.begin(), rows_.end(), fill_);
  end_ = frames_;
}

void SlidingBuffer::push(const float* row) {
  if (static_cast<size_t>(end_) * width_ == rows_.size()) {
    std::copy_n(data() + width_, size() - width_, rows_.begin());
    end_ = frames_ - 1;
  }
  std::copy_n(row, width_, rows_.begin() + static_cast<size_t>(end_) * width_);
  ++end_;
}

}  // namespace koemorph
