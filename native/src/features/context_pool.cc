#include "features/context_pool.h"

#include <algorithm>

namespace koemorph {

ContextPool::ContextPool(int bands, int block_frames, int blocks, float ambient_floor)
    : bands_(bands),
      block_frames_(block_frames),
      blocks_(blocks),
      ambient_floor_(ambient_floor),
      frames_(static_cast<size_t>(block_frames) * bands),
      sums_(bands),
      // One more than is looked back at: the newest is written before the oldest is read.
      means_((static_cast<size_t>(blocks) * block_frames + 1) * bands) {}

void ContextPool::reset() {
  std::fill(frames_.begin(), frames_.end(), 0.0f);
  newest_ = 0;
}

void ContextPool::begin(const float* mel) {
  for (int band = 0; band < bands_; ++band) {
    const float room = std::min(mel[band], ambient_floor_);
    for (size_t i = band; i < frames_.size(); i += bands_) frames_[i] = room;
    for (size_t i = band; i < means_.size(); i += bands_) means_[i] = room;
    sums_[band] = static_cast<double>(room) * block_frames_;
  }
}

void ContextPool::push(const float* mel) {
  if (newest_ == 0) begin(mel);
  ++newest_;
  float* oldest = &frames_[place(newest_, block_frames_)];
  float* mean = &means_[place(newest_, blocks_ * block_frames_ + 1)];
  for (int band = 0; band < bands_; ++band) {
    sums_[band] += static_cast<double>(mel[band]) - static_cast<double>(oldest[band]);
    oldest[band] = mel[band];
    mean[band] = static_cast<float>(sums_[band] / block_frames_);
  }
}

void ContextPool::means(float* out) const {
  const int ring = blocks_ * block_frames_ + 1;
  for (int block = blocks_; block > 0; --block) {
    // Frames before the first are found at the end of the ring, where the room is.
    const int64_t frame = newest_ - static_cast<int64_t>(block) * block_frames_ + ring;
    out = std::copy_n(means_.begin() + static_cast<int64_t>(place(frame, ring)), bands_, out);
  }
}

}  // namespace koemorph
