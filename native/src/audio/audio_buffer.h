// Stage `audio`: from the audio thread's blocks to one channel that a worker can read.
#pragma once

#include <atomic>
#include <cstdint>
#include <vector>

namespace koemorph {

// Wait-free ring between one writer and one reader. Channels are averaged on the way in, in which
// NaN and Inf become silence. When the reader is late the oldest samples are overwritten; the
// reader learns how many, so that time stays exact.
class AudioBuffer {
 public:
  // capacity: samples held at least. channels: 1..64.
  AudioBuffer(int64_t capacity, int channels);

  // Writer: `frames` sample frames of interleaved audio. Never waits or allocates.
  void push(const float* interleaved, int64_t frames);

  // Reader: copies at most `most` samples to `out` and returns how many. *lost is set to the number
  // of samples overwritten just before them.
  int read(float* out, int most, int64_t* lost);

  // Reader: gives the last `count` samples back, to be read again.
  void unread(int count) { read_ -= count; }

  // Sample frames pushed so far; any thread.
  int64_t pushed() const { return written_.load(std::memory_order_acquire); }
  int channels() const { return channels_; }
  // Writer: of what is pushed from now on.
  void set_channels(int channels) { channels_ = channels; }
  // With neither side active: takes the memory for another capacity, which the next reset goes to.
  void make_room(int64_t capacity);
  // With neither side active.
  void reset(int channels);

 private:
  int64_t capacity() const { return static_cast<int64_t>(ring_.size()); }

  std::vector<std::atomic<float>> ring_;
  std::vector<std::atomic<float>> next_ring_;  // empty: ring_ stays
  int channels_;
  // The writer announces a region before it touches it and publishes it afterwards, so a reader can
  // tell whether what it copied was being overwritten meanwhile.
  std::atomic<int64_t> announced_{0};
  std::atomic<int64_t> written_{0};
  int64_t read_ = 0;
};

}  // namespace koemorph
