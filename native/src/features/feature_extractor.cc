#include "features/feature_extractor.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

// Power of a mel band of ambient noise. A louder first frame may be speech; taken as the constant
// past of the stream, it would count as a noise of the room.
constexpr float kAmbientPower = 1e-7f;

float ambient_floor(const MelConfig& mel) {
  return (std::log10(kAmbientPower) + mel.offset) * mel.scale;
}

}  // namespace

FeatureExtractor::FeatureExtractor(const ModelSettings& settings, int sample_rate, int block_size)
    : ambient_floor_(ambient_floor(settings.mel)),
      resampler_(sample_rate, settings.mel.clock.sample_rate, block_size),
      gate_(settings.mel.clock.sample_rate),
      mel_(settings.mel),
      context_pool_(settings.mel.bands, settings.context_pool_frames, settings.context_pool_blocks,
                    ambient_floor_) {
  if (settings.use_egemaps) egemaps_.emplace(settings.egemaps);
}

void FeatureExtractor::push(const float* samples, int count, bool counted) {
  resampler_.push(samples, count, counted);
  gate_.process(resampler_.output(), resampler_.output_count());
  consumed_ = 0;
}

bool FeatureExtractor::extract_frame(int64_t end_frame) {
  while (consumed_ < resampler_.output_count() && mel_.index() < end_frame) {
    const float* samples = resampler_.output() + consumed_;
    const int taken = mel_.push(samples, resampler_.output_count() - consumed_);
    if (egemaps_) push_egemaps(samples, taken);
    consumed_ += taken;
    if (!mel_.ready()) continue;
    context_pool_.push(mel_.frame());
    return true;
  }
  return false;
}

// eGeMAPS updates do not coincide with frames.
void FeatureExtractor::push_egemaps(const float* samples, int count) {
  while (count > 0) {
    const int taken = egemaps_->push(samples, count);
    samples += taken;
    count -= taken;
  }
}

void FeatureExtractor::skip(int64_t lost) {
  resampler_.skip(lost);
  context_pool_.reset();
  if (egemaps_) egemaps_->reset();
  mel_.reset(resampler_.model_position());
}

void FeatureExtractor::reset(int sample_rate) {
  resampler_.reset(sample_rate);  // allocates, so it comes first
  gate_.reset();
  mel_.reset();
  if (egemaps_) egemaps_->reset();
  context_pool_.reset();
  consumed_ = 0;
}

void FeatureExtractor::write_mel(float* out) const {
  std::copy_n(context_pool_.newest(), mel_.config().bands, out);
}

void FeatureExtractor::write_detail(float* out) {
  std::copy_n(mel_.detail(), mel_.config().detail_frames * mel_.config().bands, out);
}

void FeatureExtractor::limit_to_ambient_floor(float* mel, float* detail) const {
  const MelConfig& config = mel_.config();
  const auto limit = [floor = ambient_floor_](float band) { return std::min(band, floor); };
  std::transform(mel, mel + config.bands, mel, limit);
  std::transform(detail, detail + config.detail_frames * config.bands, detail, limit);
}

}  // namespace koemorph
