// Stage `window`: what of the past the network looks at, pooled as it arrives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace koemorph {

// Means of `blocks` blocks of `block_frames` mel frames each, one after the other, which end where
// the newest block begins. What came before the first frame counts as like it, but no band of it as
// louder than `ambient_floor`.
class ContextPool {
 public:
  ContextPool(int bands, int block_frames, int blocks, float ambient_floor);

  // mel: (bands,), the next frame.
  void push(const float* mel);
  // (blocks, bands), oldest first.
  void means(float* out) const;
  // (bands,): the frame pushed last.
  const float* newest() const { return &frames_[place(newest_, block_frames_)]; }
  int count() const { return blocks_; }
  void reset();

 private:
  size_t place(int64_t frame, int ring) const { return (frame % ring) * bands_; }
  void begin(const float* mel);

  int bands_;
  int block_frames_;
  int blocks_;
  float ambient_floor_;
  int64_t newest_ = 0;         // frames pushed; the newest is this one
  std::vector<float> frames_;  // a ring of the newest block
  std::vector<double> sums_;   // of the newest block; in double, so that days of them stay exact
  std::vector<float> means_;   // a ring of the mean of the block that ended with each frame
};

}  // namespace koemorph
