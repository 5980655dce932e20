#include "face/controls_processor.h"

#include <algorithm>
#include <cmath>

#include "face/controls.h"
#include "face/face.h"
#include "util/math.h"

namespace koemorph {
namespace {

constexpr int kUpperLids[] = {kEyeBlinkLeft, kEyeBlinkRight};
constexpr int kWideEyes[] = {kEyeWideLeft, kEyeWideRight};
constexpr int kLipsApart[] = {kMouthLowerDownLeft, kMouthLowerDownRight, kMouthUpperUpLeft,
                              kMouthUpperUpRight};

// NaN becomes the minimum.
float clamp(float value, float minimum, float maximum) {
  return value > minimum ? std::min(value, maximum) : minimum;
}

// ARKit's mouthClose closes the lips of an open jaw; values above jawOpen are meaningless.
void offset_lips(float offset, float* face) {
  if (offset > 0.0f) {
    const float limit = std::max(face[kJawOpen], face[kMouthClose]);
    face[kMouthClose] = std::min(face[kMouthClose] + offset, limit);
    for (const int i : kLipsApart) face[i] = std::max(face[i] - offset, 0.0f);
  } else if (offset < 0.0f) {
    face[kMouthClose] = std::max(face[kMouthClose] + offset, 0.0f);
    for (const int i : kLipsApart) face[i] -= offset;
  }
}

void offset_eyelids(float offset, float* face) {
  if (offset == 0.0f) return;
  for (const int i : kUpperLids) face[i] = std::max(face[i] - offset, 0.0f);
  for (const int i : kWideEyes) face[i] = std::max(face[i] + offset, 0.0f);
}

void make_symmetric(float symmetry, float* face) {
  if (symmetry == 0.0f) return;
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const int mirror = mirror_of(i);
    if (mirror <= i) continue;
    const float mean = 0.5f * (face[i] + face[mirror]);
    face[i] += symmetry * (mean - face[i]);
    face[mirror] += symmetry * (mean - face[mirror]);
  }
}

// Subtracts the second strongest weight of a group from all: continuous in its inputs, unlike
// setting all but the strongest to 0.
void cancel_groups(const uint8_t* group_of, float* face) {
  float strongest[256] = {};
  float second[256] = {};
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const int group = group_of[i];
    if (face[i] > strongest[group]) {
      second[group] = strongest[group];
      strongest[group] = face[i];
    } else if (face[i] > second[group]) {
      second[group] = face[i];
    }
  }
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const int group = group_of[i];
    if (group != 0) face[i] = std::max(face[i] - second[group], 0.0f);
  }
}

float decay_for(float time_constant, float frame_seconds) {
  return time_constant > 0.0f ? std::exp(-frame_seconds / time_constant) : 0.0f;
}

}  // namespace

ControlsProcessor::ControlsProcessor(int fps)
    : frame_seconds_(1.0f / static_cast<float>(fps)), controls_(default_controls()) {
  reset();
}

void ControlsProcessor::reset() {
  started_ = false;
  changed_ = false;
  progress_ = 1.0f;
  std::fill(difference_, difference_ + kBlendshapeCount, 0.0f);
  std::fill(output_, output_ + kBlendshapeCount, 0.0f);
}

void ControlsProcessor::set(const koemorph_controls& controls) {
  if (started_ && !changed_) old_controls_ = controls_;
  changed_ = started_;
  controls_ = controls;
  upper_decay_ = decay_for(controls.upper_smoothing, frame_seconds_);
  lower_decay_ = decay_for(controls.lower_smoothing, frame_seconds_);
}

void ControlsProcessor::shape(const koemorph_controls& controls, const float* in,
                              float* out) const {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const float strength = is_upper_face(i) ? controls.upper_strength : controls.lower_strength;
    const float weight = in[i] * strength * controls.multiplier[i] + controls.offset[i];
    out[i] = clamp(weight, 0.0f, 1.0f);
  }
  offset_lips(controls.lip_close_offset, out);
  offset_eyelids(controls.eyelid_offset, out);
  make_symmetric(controls.symmetry, out);
  cancel_groups(controls.cancel_group, out);
  for (int i = 0; i < kBlendshapeCount; ++i) {
    out[i] = controls.active[i] ? clamp(out[i], controls.minimum[i], controls.maximum[i]) : 0.0f;
  }
}

// Keeps the difference between the old and the new controls on this frame, which the transition
// then removes. A transition that is still running continues from its current value.
void ControlsProcessor::start_transition(const float* in, const float* shaped) {
  float old[kBlendshapeCount];
  shape(old_controls_, in, old);
  const float remaining = 1.0f - smoothstep(progress_);
  for (int i = 0; i < kBlendshapeCount; ++i) {
    difference_[i] = old[i] + remaining * difference_[i] - shaped[i];
  }
  const bool immediate = controls_.transition_seconds <= frame_seconds_;
  progress_ = immediate ? 1.0f : 0.0f;
  progress_step_ = immediate ? 1.0f : frame_seconds_ / controls_.transition_seconds;
  changed_ = false;
}

void ControlsProcessor::apply(const float* in, float* out) {
  float shaped[kBlendshapeCount];
  shape(controls_, in, shaped);
  if (changed_) start_transition(in, shaped);
  started_ = true;
  const float remaining = 1.0f - smoothstep(progress_);
  progress_ = std::min(progress_ + progress_step_, 1.0f);
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const float decay = is_upper_face(i) ? upper_decay_ : lower_decay_;
    const float target = clamp(shaped[i] + remaining * difference_[i], 0.0f, 1.0f);
    output_[i] = target + decay * (output_[i] - target);
    // An exponential decay must not end in denormals.
    if (output_[i] < 1e-6f) output_[i] = 0.0f;
    out[i] = output_[i];
  }
}

}  // namespace koemorph
