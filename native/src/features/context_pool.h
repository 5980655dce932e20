// Pooled context: means of past mel frames, updated with each frame.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace koemorph {

// Means of `block_count` consecutive blocks of `block_frames` mel frames, ending before the newest
// block. Frames before the first frame equal it, with each band limited to `ambient_floor`.
class ContextPool {
 public:
  ContextPool(int bands, int block_frames, int block_count, float ambient_floor);

  // mel: (bands,), the next frame.
  void push(const float* mel);
  // Writes (block_count, bands), oldest first.
  void write(float* out) const;
  // (bands,): the newest frame.
  const float* newest() const { return &frames_[offset(frame_count_, block_frames_)]; }
  int block_count() const { return block_count_; }
  void reset();

 private:
  size_t offset(int64_t frame, int ring) const { return (frame % ring) * bands_; }
  void fill_past(const float* mel);

  int bands_;
  int block_frames_;
  int block_count_;
  float ambient_floor_;
  int64_t frame_count_ = 0;    // frames pushed; index of the newest, from 1
  std::vector<float> frames_;  // ring of the newest block
  std::vector<double> sums_;   // of the newest block; in double, so that rounding does not add up
  std::vector<float> means_;   // ring: the mean of the block that ends with each frame
};

}  // namespace koemorph
