#include "stream/frame_buffer.h"

#include <algorithm>
#include <cmath>

namespace koemorph {

FrameBuffer::FrameBuffer(int capacity, int width, int fps)
    : capacity_(std::max(capacity, 4)),
      slots_(capacity_ + 1),
      width_(width),
      fps_(fps),
      weights_(static_cast<size_t>(slots_) * width),
      index_(slots_),
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
  const auto slot = static_cast<size_t>(index % slots_);
  index_[slot].store(-1, std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  for (int i = 0; i < width_; ++i) {
    weights_[slot * width_ + i].store(weights[i], std::memory_order_relaxed);
  }
  index_[slot].store(index, std::memory_order_release);
  end_.store(index + 1, std::memory_order_release);
}

void FrameBuffer::hold(int64_t end) {
  // One by one, however long the gap, so that a reader always finds consecutive frames.
  for (int64_t gap = end_.load(std::memory_order_relaxed); gap < end; ++gap) {
    write(gap, last_.data());
  }
}

void FrameBuffer::push(int64_t index, const float* weights) {
  hold(index);
  write(index, weights);
  std::copy(weights, weights + width_, last_.begin());
}

bool FrameBuffer::interpolate(int64_t first, int64_t second, float fraction, float* weights,
                              int count) const {
  const auto a = static_cast<size_t>(first % slots_);
  const auto b = static_cast<size_t>(second % slots_);
  if (index_[a].load(std::memory_order_acquire) != first) return false;
  if (index_[b].load(std::memory_order_acquire) != second) return false;
  for (int i = 0; i < count; ++i) {
    const float from = weights_[a * width_ + i].load(std::memory_order_relaxed);
    const float to = weights_[b * width_ + i].load(std::memory_order_relaxed);
    weights[i] = from + fraction * (to - from);
  }
  std::atomic_thread_fence(std::memory_order_seq_cst);
  return index_[a].load(std::memory_order_relaxed) == first &&
         index_[b].load(std::memory_order_relaxed) == second;
}

int64_t FrameBuffer::oldest(int64_t end) const { return std::max<int64_t>(0, end - capacity_); }

bool FrameBuffer::pull(float* weights, int count, int64_t* index) {
  for (;;) {
    const int64_t end = frame_count();
    if (next_ >= end) return false;
    const int64_t first = std::max(next_, oldest(end));
    skipped_.fetch_add(first - next_, std::memory_order_relaxed);
    next_ = first;
    if (interpolate(next_, next_, 0.0f, weights, std::min(count, width_))) {
      *index = next_++;
      return true;
    }
    // Overwritten during the read: count it as skipped.
    skipped_.fetch_add(1, std::memory_order_relaxed);
    ++next_;
  }
}

bool FrameBuffer::sample(double time, float* weights, int count) const {
  const int width = std::min(count, width_);
  // A read fails only when the writer overwrites the frames during it. Then retry with newer
  // frames: in a gap the writer is as fast as the reader.
  for (int attempt = 0; attempt < 4 && !std::isnan(time); ++attempt) {
    const int64_t end = frame_count();
    if (end == 0) break;
    const int64_t range = std::max<int64_t>(1, capacity_ >> attempt);
    const auto oldest_position = static_cast<double>(std::max<int64_t>(0, end - range));
    const double position = std::clamp(time * fps_, oldest_position, static_cast<double>(end - 1));
    const auto index = static_cast<int64_t>(position);
    const auto fraction = static_cast<float>(position - static_cast<double>(index));
    if (interpolate(index, std::min(index + 1, end - 1), fraction, weights, width)) return true;
  }
  std::fill(weights, weights + width, 0.0f);
  return false;
}

}  // namespace koemorph
