#include "audio/audio_buffer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "audio/sanitize.h"

namespace koemorph {
namespace {

constexpr int64_t kMinCapacity = 64;

}  // namespace

AudioBuffer::AudioBuffer(int64_t capacity, int channels)
    : ring_(static_cast<size_t>(std::max(capacity, kMinCapacity))), channels_(channels) {}

void AudioBuffer::reserve(int64_t capacity) {
  const auto size = static_cast<size_t>(std::max(capacity, kMinCapacity));
  next_ring_ = std::vector<std::atomic<float>>(size == ring_.size() ? 0 : size);
}

void AudioBuffer::reset(int channels) {
  if (!next_ring_.empty()) ring_ = std::move(next_ring_);
  next_ring_.clear();
  channels_ = channels;
  announced_.store(0, std::memory_order_relaxed);
  written_.store(0, std::memory_order_release);
  read_ = 0;
}

void AudioBuffer::push(const float* interleaved, int64_t sample_count) {
  int64_t position = written_.load(std::memory_order_relaxed);
  const int64_t end = position + sample_count;
  // Of a block longer than the ring only the end is kept.
  const int64_t skipped = std::max<int64_t>(0, sample_count - capacity());
  interleaved += skipped * channels_;
  position += skipped;

  // Release: a reader that sees this also sees a preceding change of the input format.
  announced_.store(end, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const float scale = 1.0f / static_cast<float>(channels_);
  for (int64_t at = position % capacity(); position < end; ++position) {
    float sum = 0.0f;
    for (int channel = 0; channel < channels_; ++channel) sum += sanitize(*interleaved++);
    ring_[static_cast<size_t>(at)].store(sum * scale, std::memory_order_relaxed);
    at = at + 1 == capacity() ? 0 : at + 1;
  }
  written_.store(end, std::memory_order_release);
}

int AudioBuffer::read(float* out, int max_count, int64_t* lost) {
  *lost = 0;
  for (;;) {
    const int64_t written = written_.load(std::memory_order_acquire);
    if (written - read_ > capacity()) {
      *lost += written - capacity() - read_;
      read_ = written - capacity();
    }
    const int count = static_cast<int>(std::min<int64_t>(max_count, written - read_));
    if (count == 0) return 0;
    int64_t at = read_ % capacity();
    for (int i = 0; i < count; ++i) {
      out[i] = ring_[static_cast<size_t>(at)].load(std::memory_order_relaxed);
      at = at + 1 == capacity() ? 0 : at + 1;
    }
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const int64_t announced = announced_.load(std::memory_order_acquire);
    if (announced - read_ <= capacity()) {
      read_ += count;
      return count;
    }
    // Overwritten during the copy: skip the region that the writer announced and try again. Never
    // skip beyond `written`: of a block longer than the ring more is announced than was written.
    const int64_t next = std::min(announced - capacity(), written);
    *lost += next - read_;
    read_ = next;
  }
}

}  // namespace koemorph
