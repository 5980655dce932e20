// Audio from the audio thread to the worker, mixed down to one channel.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace koemorph {

// Wait-free ring buffer with one writer and one reader. Channels are averaged on write; NaN and
// infinity become silence. When the reader is late, the oldest samples are overwritten; the reader
// gets their number, so that time stays exact.
class AudioBuffer {
 public:
  // capacity: least number of samples held. channels: 1..64.
  AudioBuffer(int64_t capacity, int channels);

  // Writer: `sample_count` samples per channel of interleaved audio. Never waits or allocates.
  void push(const float* interleaved, int64_t sample_count);

  // Reader: copies at most `max_count` samples to `out` and returns their number. *lost: the number
  // of samples before them that were overwritten.
  int read(float* out, int max_count, int64_t* lost);

  // Reader: puts the last `count` samples back.
  void unread(int count) { read_ -= count; }

  // Any thread: samples per channel pushed so far.
  int64_t pushed() const { return written_.load(std::memory_order_acquire); }
  int channels() const { return channels_; }
  int64_t capacity() const { return static_cast<int64_t>(ring_.size()); }
  // Writer: of the audio pushed from now on.
  void set_channels(int channels) { channels_ = channels; }
  // With neither side active: allocates another capacity, which the next reset applies.
  void reserve(int64_t capacity);
  // With neither side active.
  void reset(int channels);

 private:
  std::vector<std::atomic<float>> ring_;
  std::vector<std::atomic<float>> next_ring_;  // empty: keep ring_
  int channels_;
  // The writer announces a region before it writes it and publishes it afterwards, so the reader
  // can detect that samples were overwritten while it copied them.
  std::atomic<int64_t> announced_{0};
  std::atomic<int64_t> written_{0};
  int64_t read_ = 0;
};

}  // namespace koemorph
