#include "features/context_pool.h"

#include <algorithm>

namespace koemorph {

ContextPool::ContextPool(int bands, int block_frames, int block_count, float ambient_floor)
    : bands_(bands),
      block_frames_(block_frames),
      block_count_(block_count),
      ambient_floor_(ambient_floor),
      frames_(static_cast<size_t>(block_frames) * bands),
      sums_(bands),
      // One more than needed: the newest is written before the oldest is read.
      means_((static_cast<size_t>(block_count) * block_frames + 1) * bands) {}

void ContextPool::reset() {
  std::fill(frames_.begin(), frames_.end(), 0.0f);
  frame_count_ = 0;
}

void ContextPool::fill_past(const float* mel) {
  for (int band = 0; band < bands_; ++band) {
    const float past = std::min(mel[band], ambient_floor_);
    for (size_t i = band; i < frames_.size(); i += bands_) frames_[i] = past;
    for (size_t i = band; i < means_.size(); i += bands_) means_[i] = past;
    sums_[band] = static_cast<double>(past) * block_frames_;
  }
}

void ContextPool::push(const float* mel) {
  if (frame_count_ == 0) fill_past(mel);
  ++frame_count_;
  float* oldest = &frames_[offset(frame_count_, block_frames_)];
  float* mean = &means_[offset(frame_count_, block_count_ * block_frames_ + 1)];
  for (int band = 0; band < bands_; ++band) {
    sums_[band] += static_cast<double>(mel[band]) - static_cast<double>(oldest[band]);
    oldest[band] = mel[band];
    mean[band] = static_cast<float>(sums_[band] / block_frames_);
  }
}

void ContextPool::write(float* out) const {
  const int ring = block_count_ * block_frames_ + 1;
  for (int block = block_count_; block > 0; --block) {
    // Frames before the first are at the end of the ring, as fill_past wrote them.
    const int64_t frame = frame_count_ - static_cast<int64_t>(block) * block_frames_ + ring;
    out = std::copy_n(means_.begin() + static_cast<int64_t>(offset(frame, ring)), bands_, out);
  }
}

}  // namespace koemorph
