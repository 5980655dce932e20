#include "face/controls.h"

#include <algorithm>
#include <cmath>

#include "face/face.h"

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

// ARKit's mouthClose closes the lips of an open jaw and means nothing beyond jawOpen.
void offset_lips(float offset, float* face) {
  if (offset > 0.0f) {
    const float room = std::max(face[kJawOpen], face[kMouthClose]);
    face[kMouthClose] = std::min(face[kMouthClose] + offset, room);
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
    const int other = mirror_of(i);
    if (other <= i) continue;
    const float mean = 0.5f * (face[i] + face[other]);
    face[i] += symmetry * (mean - face[i]);
    face[other] += symmetry * (mean - face[other]);
  }
}

// Continuous in its inputs, unlike "the strongest takes all": opposing shapes cross through rest.
void cancel(const uint8_t* group_of, float* face) {
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

float smoothstep(float t) { return t * t * (3.0f - 2.0f * t); }

float keep_for(float time_constant, float frame_seconds) {
  return time_constant > 0.0f ? std::exp(-frame_seconds / time_constant) : 0.0f;
}

}  // namespace

Controls::Controls(int fps)
    : frame_seconds_(1.0f / static_cast<float>(fps)), settings_(default_controls()) {
  reset();
}

void Controls::reset() {
  started_ = false;
  changed_ = false;
  glided_ = 1.0f;
  std::fill(away_, away_ + kBlendshapeCount, 0.0f);
  std::fill(last_, last_ + kBlendshapeCount, 0.0f);
}

void Controls::set(const koemorph_controls& settings) {
  if (started_ && !changed_) before_ = settings_;
  changed_ = started_;
  settings_ = settings;
  keep_upper_ = keep_for(settings.upper_smoothing, frame_seconds_);
  keep_lower_ = keep_for(settings.lower_smoothing, frame_seconds_);
}

void Controls::shape(const koemorph_controls& settings, const float* in, float* out) const {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const float strength = is_upper_face(i) ? settings.upper_strength : settings.lower_strength;
    const float wanted = in[i] * strength * settings.multiplier[i] + settings.offset[i];
    out[i] = clamp(wanted, 0.0f, 1.0f);
  }
  offset_lips(settings.lip_close_offset, out);
  offset_eyelids(settings.eyelid_offset, out);
  make_symmetric(settings.symmetry, out);
  cancel(settings.cancel_group, out);
  for (int i = 0; i < kBlendshapeCount; ++i) {
    out[i] = settings.active[i] ? clamp(out[i], settings.minimum[i], settings.maximum[i]) : 0.0f;
  }
}

void Controls::apply(const float* in, float* out) {
  float shaped[kBlendshapeCount];
  shape(settings_, in, shaped);
  if (changed_) {
    // The difference between the old way and the new, on this frame, is what the glide lets go of.
    float old[kBlendshapeCount];
    shape(before_, in, old);
    const float left = 1.0f - smoothstep(glided_);
    for (int i = 0; i < kBlendshapeCount; ++i) away_[i] = old[i] + left * away_[i] - shaped[i];
    const bool at_once = settings_.transition_seconds <= frame_seconds_;
    glided_ = at_once ? 1.0f : 0.0f;
    glide_step_ = at_once ? 1.0f : frame_seconds_ / settings_.transition_seconds;
    changed_ = false;
  }
  started_ = true;
  const float left = 1.0f - smoothstep(glided_);
  glided_ = std::min(glided_ + glide_step_, 1.0f);
  for (int i = 0; i < kBlendshapeCount; ++i) {
    const float keep = is_upper_face(i) ? keep_upper_ : keep_lower_;
    const float wanted = clamp(shaped[i] + left * away_[i], 0.0f, 1.0f);
    last_[i] = wanted + keep * (last_[i] - wanted);
    // A decay that nobody sees must not end in denormals.
    if (last_[i] < 1e-6f) last_[i] = 0.0f;
    out[i] = last_[i];
  }
}

}  // namespace koemorph
