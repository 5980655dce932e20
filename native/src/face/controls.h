// What a user wants of a face: strengths, limits, symmetry; after the model, before life and
// retarget.
#pragma once

#include <string_view>

#include "face/blendshapes.h"
#include "koemorph.h"
#include "util/status.h"

namespace koemorph {

// The defaults that koemorph.h names.
koemorph_controls default_controls();

// KOEMORPH_INVALID_ARGUMENT with a sentence that names the first field outside its range.
Status check_controls(const koemorph_controls& controls);

// The defaults and, over them, a preset file:
//
//   { "koemorph": "preset", "version": 1, "name": "example", "description": "what it is for",
//     "controls": { "lower_strength": 1.2, "gate": true, "multiplier": { "jawOpen": 0.9 },
//                   "inactive": ["tongueOut"], "cancel": [["mouthPucker", "mouthStretchLeft"]] } }
//
// Members of "controls" are those of koemorph_controls; multiplier, offset, minimum and maximum go
// by blendshape; "inactive" lists what stays at rest and "cancel" the groups.
Status read_preset(std::string_view json, koemorph_controls* out);

// Shapes the model's output, frame after frame. A change of settings begins at the value the face
// has and glides to the new one. NaN in a frame becomes the minimum.
class Controls {
 public:
  explicit Controls(int fps);

  // Back to rest, with the settings that are.
  void reset();
  // `settings` have passed check_controls. Allocates nothing.
  void set(const koemorph_controls& settings);
  // 52 in, 52 out; they may be the same. Allocates nothing.
  void apply(const float* in, float* out);

 private:
  void shape(const koemorph_controls& settings, const float* in, float* out) const;

  float frame_seconds_;
  koemorph_controls settings_;
  koemorph_controls before_;  // the settings that a change leaves
  bool started_ = false;      // a frame has been shaped; before that there is nothing to glide from
  bool changed_ = false;      // since the last frame
  float glided_ = 1.0f;       // how far the glide is, 0..1
  float glide_step_ = 1.0f;
  float keep_upper_ = 0.0f;  // one-pole smoothing: y = keep * y + (1 - keep) * x
  float keep_lower_ = 0.0f;
  float away_[kBlendshapeCount];  // what the glide still has to cover when glided_ is 0
  float last_[kBlendshapeCount];  // the last frame
};

}  // namespace koemorph
