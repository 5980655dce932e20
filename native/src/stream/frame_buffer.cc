#include "stream/frame_buffer.h"

#include <algorithm>
#include <cmath>

namespace koemorph {

FrameBuffer::FrameBuffer(int capacity, int width, int fps)
    : capacity_(std::max(capacity, 4)),
      places_(capacity_ + 1),
      width_(width),
      fps_(fps),
      weights_(static_cast<size_t>(places_) * width),
      index_(places_),
      last_(width) {
  reset();
}

void FrameBuffer::reset() {
  for (auto& index : index_) index.store(-1, std::memory_order_relaxed);
  std::fill(last_.begin(), last_.end(), 0.0f);
  next_ = 0;
  skipped_.store(0, std::memory_order_relaxed);
  end_.store(0, std::memory_order_release);
}

void FrameBuffer::write(int64_t index, const float* weights) {
  const auto place = static_cast<size_t>(index % places_);
  index_[place].store(-1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (int i = 0; i < width_; ++i) {
    weights_[place * width_ + i].store(weights[i], std::memory_order_relaxed);
  }
  index_[place].store(index, std::memory_order_release);
  end_.store(index + 1, std::memory_order_release);
}

void FrameBuffer::hold(int64_t end) {
  // One by one, however long the gap: a reader meanwhile always finds a ring of frames in order.
  for (int64_t gap = end_.load(std::memory_order_relaxed); gap < end; ++gap) {
    write(gap, last_.data());
  }
}

void FrameBuffer::push(int64_t index, const float* weights) {
  hold(index);
  write(index, weights);
  std::copy(weights, weights + width_, last_.begin());
}

bool FrameBuffer::blend(int64_t index, int64_t other, float share, float* weights, int n) const {
  const auto a = static_cast<size_t>(index % places_);
  const auto b = static_cast<size_t>(other % places_);
  if (index_[a].load(std::memory_order_acquire) != index) return false;
  if (index_[b].load(std::memory_order_acquire) != other) return false;
  for (int i = 0; i < n; ++i) {
    const float from = weights_[a * width_ + i].load(std::memory_order_relaxed);
    const float to = weights_[b * width_ + i].load(std::memory_order_relaxed);
    weights[i] = from + share * (to - from);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return index_[a].load(std::memory_order_relaxed) == index &&
         index_[b].load(std::memory_order_relaxed) == other;
}

int64_t FrameBuffer::oldest(int64_t end) const { return std::max<int64_t>(0, end - capacity_); }

bool FrameBuffer::pull(float* weights, int n, int64_t* index) {
  for (;;) {
    const int64_t end = count();
    if (next_ >= end) return false;
    const int64_t first = std::max(next_, oldest(end));
    skipped_.fetch_add(first - next_, std::memory_order_relaxed);
    next_ = first;
    if (blend(next_, next_, 0.0f, weights, std::min(n, width_))) {
      *index = next_++;
      return true;
    }
    // Overwritten while we read: it is gone, so count it and go on with the next.
    skipped_.fetch_add(1, std::memory_order_relaxed);
    ++next_;
  }
}

bool FrameBuffer::sample(double time, float* weights, int n) const {
  const int wanted = std::min(n, width_);
  // A read fails only when the writer has come round to its frames meanwhile; then look again,
  // farther away from the writer, who in a gap is as fast as we are.
  for (int attempt = 0; attempt < 4 && !std::isnan(time); ++attempt) {
    const int64_t end = count();
    if (end == 0) break;
    const int64_t held = std::max<int64_t>(1, capacity_ >> attempt);
    const auto least = static_cast<double>(std::max<int64_t>(0, end - held));
    const double position = std::clamp(time * fps_, least, static_cast<double>(end - 1));
    const auto index = static_cast<int64_t>(position);
    const auto share = static_cast<float>(position - static_cast<double>(index));
    if (blend(index, std::min(index + 1, end - 1), share, weights, wanted)) return true;
  }
  std::fill(weights, weights + wanted, 0.0f);
  return false;
}

}  // namespace koemorph
