#include "audio/audio_buffer.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace koemorph {
namespace {

// 40 dB above full scale. What is louder is no audio, and its power would overflow further on.
constexpr float kLoudest = 100.0f;
constexpr int64_t kLeast = 64;

// Of each channel for itself, so that a broken one does not silence the others.
float sane(float sample) {
  return std::isfinite(sample) ? std::clamp(sample, -kLoudest, kLoudest) : 0.0f;
}

}  // namespace

AudioBuffer::AudioBuffer(int64_t capacity, int channels)
    : ring_(static_cast<size_t>(std::max(capacity, kLeast))), channels_(channels) {}

void AudioBuffer::make_room(int64_t capacity) {
  const auto size = static_cast<size_t>(std::max(capacity, kLeast));
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

void AudioBuffer::push(const float* interleaved, int64_t frames) {
  int64_t position = written_.load(std::memory_order_relaxed);
  const int64_t end = position + frames;
  // Of a block longer than the ring only its end can survive.
  const int64_t skipped = std::max<int64_t>(0, frames - capacity());
  interleaved += skipped * channels_;
  position += skipped;

  // Whoever sees it also sees what was set up for these samples, such as another device.
  announced_.store(end, std::memory_order_release);
  std::atomic_thread_fence(std::memory_order_seq_cst);
  const float share = 1.0f / static_cast<float>(channels_);
  for (int64_t at = position % capacity(); position < end; ++position) {
    float sum = 0.0f;
    for (int channel = 0; channel < channels_; ++channel) sum += sane(*interleaved++);
    ring_[static_cast<size_t>(at)].store(sum * share, std::memory_order_relaxed);
    at = at + 1 == capacity() ? 0 : at + 1;
  }
  written_.store(end, std::memory_order_release);
}

int AudioBuffer::read(float* out, int most, int64_t* lost) {
  *lost = 0;
  for (;;) {
    const int64_t written = written_.load(std::memory_order_acquire);
    if (written - read_ > capacity()) {
      *lost += written - capacity() - read_;
      read_ = written - capacity();
    }
    const int count = static_cast<int>(std::min<int64_t>(most, written - read_));
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
    // Overwritten while we copied: give up what the writer has claimed and look again. Never beyond
    // what is written: of a block longer than the ring more is claimed than has come.
    const int64_t next = std::min(announced - capacity(), written);
    *lost += next - read_;
    read_ = next;
  }
}

}  // namespace koemorph
