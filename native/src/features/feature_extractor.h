// From a block of device audio to the features of the next frame.
#pragma once

#include <cstdint>
#include <optional>

#include "audio/gate.h"
#include "audio/input_resampler.h"
#include "egemaps/egemaps.h"
#include "features/context_pool.h"
#include "features/mel.h"
#include "model/model.h"

namespace koemorph {

// The stages before the network: resampler, gate, mel, eGeMAPS, context pool. All functions belong
// to the worker thread unless stated otherwise.
class FeatureExtractor {
 public:
  // sample_rate: Hz of the first input; block_size: most samples per push.
  FeatureExtractor(const ModelSettings& settings, int sample_rate, int block_size);

  // Audio thread: the sample rate from input position `at` on. Allocates and locks.
  void set_sample_rate(int64_t at, int sample_rate) { resampler_.set_sample_rate(at, sample_rate); }
  // `controls` have passed check_controls.
  void set_controls(const koemorph_controls& controls) { gate_.set(controls); }

  // Resamples a block and applies the gate. counted = false: silence after the end of the audio,
  // which does not advance the input position.
  void push(const float* samples, int count, bool counted);
  // Consumes resampled samples until the features of the next frame are complete. False when there
  // are too few, or the next frame is `end_frame`. After true, call next_frame().
  bool extract_frame(int64_t end_frame);
  int64_t frame_index() const { return mel_.index(); }
  void next_frame() { mel_.next(); }

  // Skips `lost` input samples: time advances, features and filters start again from silence.
  void skip(int64_t lost);
  // Back to time 0 with this input rate. Leaves the object unchanged when it throws.
  void reset(int sample_rate);

  // Features of the current frame, each to an array of the shape that Inference documents.
  void write_mel(float* out) const;
  void write_pooled_context(float* out) const { context_pool_.write(out); }
  void write_detail(float* out);
  void write_egemaps(float* out) const { egemaps_->write_input(out); }
  // Limits mel and detail to the ambient noise floor.
  void limit_to_ambient_floor(float* mel, float* detail) const;

  bool has_egemaps() const { return egemaps_.has_value(); }
  int64_t egemaps_updates() const { return egemaps_->updates(); }
  const InputResampler& resampler() const { return resampler_; }
  InputResampler& resampler() { return resampler_; }
  const MelConfig& mel_config() const { return mel_.config(); }
  const Mel& mel() const { return mel_; }
  const ContextPool& context_pool() const { return context_pool_; }
  const EgemapsStream& egemaps() const { return *egemaps_; }

 private:
  void push_egemaps(const float* samples, int count);

  float ambient_floor_;
  InputResampler resampler_;
  Gate gate_;
  Mel mel_;
  std::optional<EgemapsStream> egemaps_;  // only for models with an eGeMAPS input
  ContextPool context_pool_;
  int consumed_ = 0;  // resampled samples that the features have used
};

}  // namespace koemorph
