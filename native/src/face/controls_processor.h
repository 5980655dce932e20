// Stage `controls`: gains, limits, smoothing and symmetry of the network's weights.
#pragma once

#include "face/blendshapes.h"
#include "koemorph.h"

namespace koemorph {

// Applies koemorph_controls frame by frame. After a change the output starts at the last weights
// and moves to the new settings over transition_seconds. NaN in a frame becomes the minimum.
class ControlsProcessor {
 public:
  explicit ControlsProcessor(int fps);

  // Back to rest; the controls stay.
  void reset();
  // `controls` have passed check_controls. Does not allocate.
  void set(const koemorph_controls& controls);
  // in, out: (52,), may be the same array. Does not allocate.
  void apply(const float* in, float* out);

 private:
  void shape(const koemorph_controls& controls, const float* in, float* out) const;
  void start_transition(const float* in, const float* shaped);

  float frame_seconds_;
  koemorph_controls controls_;
  koemorph_controls old_controls_;  // before the change
  bool started_ = false;   // a frame was processed; before that a change needs no transition
  bool changed_ = false;   // since the last frame
  float progress_ = 1.0f;  // of the transition, 0..1
  float progress_step_ = 1.0f;
  float upper_decay_ = 0.0f;  // one-pole smoothing: y = decay * y + (1 - decay) * x
  float lower_decay_ = 0.0f;
  float difference_[kBlendshapeCount];  // from the new to the old weights when the change happened
  float output_[kBlendshapeCount];      // the last frame
};

}  // namespace koemorph
