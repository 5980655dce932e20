#include "face/idle_motion.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "face/controls.h"
#include "face/face.h"
#include "util/math.h"

namespace koemorph {
namespace {

constexpr double kTwoPi = 6.283185307179586;
constexpr double kNever = -1e9;

constexpr int kLids[] = {kEyeBlinkLeft, kEyeBlinkRight};
constexpr int kEyes[] = {kEyeLookDownLeft,  kEyeLookInLeft,  kEyeLookOutLeft,  kEyeLookUpLeft,
                         kEyeLookDownRight, kEyeLookInRight, kEyeLookOutRight, kEyeLookUpRight};
constexpr int kBrows[] = {kBrowDownLeft, kBrowDownRight, kBrowInnerUp, kBrowOuterUpLeft,
                          kBrowOuterUpRight};
constexpr int kMouth[] = {kJawOpen,     kMouthClose,         kMouthFunnel,
                          kMouthPucker, kMouthLowerDownLeft, kMouthLowerDownRight};

// Change of a weight per second above which a part counts as moved by the model.
constexpr float kMovingSpeed = 0.5f;
constexpr double kClosedSeconds =
    0.04;                             // s that the lids stay closed: at least one frame at 30 fps
constexpr double kBlinkSpread = 0.6;  // standard deviation of the logarithm of the intervals
constexpr double kDegreesAtFull = 30.0;  // of gaze at a weight of 1
constexpr double kMaxSaccade = 12.0;     // degrees: the person looks at a partner

// Frequencies of the eight directions in percent, from right counter-clockwise (Lee et al. 2002,
// table 1).
constexpr double kDirections[] = {15.54, 6.46, 17.69, 7.44, 16.80, 7.89, 20.38, 7.79};

struct Drift {
  int blendshape;
  float size;
  bool is_mouth;
};
constexpr Drift kDrifts[] = {{kBrowInnerUp, 0.06f, false},    {kEyeSquintLeft, 0.05f, false},
                             {kEyeSquintRight, 0.05f, false}, {kMouthSmileLeft, 0.05f, true},
                             {kMouthSmileRight, 0.05f, true}, {kMouthPressLeft, 0.03f, true},
                             {kMouthPressRight, 0.03f, true}};

}  // namespace

double IdleMotion::Random::uniform() {
  state += 0x9E3779B97F4A7C15u;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) * (1.0 / 9007199254740992.0);
}

double IdleMotion::Random::uniform(double low, double high) {
  return low + (high - low) * uniform();
}

double IdleMotion::Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(kTwoPi * uniform());
}

IdleMotion::IdleMotion(int fps) : fps_(fps), frame_seconds_(1.0f / static_cast<float>(fps)) {
  started_ = false;
  set(default_controls());
  reset();
}

void IdleMotion::reset() {
  started_ = false;
  time_ = 0.0;
  std::fill(previous_, previous_ + kBlendshapeCount, 0.0f);
  for (Strength* strength :
       {&blink_strength_, &saccade_strength_, &accent_strength_, &drift_strength_}) {
    strength->current = strength->target;
  }
  for (Strength& maximum : maximum_) maximum.current = maximum.target;
  mouth_activity_ = 0.0f;
  in_speech_ = false;
  pause_start_ = kNever;
  lids_ = eyes_ = brows_ = {};
  const uint64_t seed = uint64_t{controls_.seed} << 8;
  blink_random_ = {seed + 1};
  saccade_random_ = {seed + 2};
  brow_random_ = {seed + 3};
  Random phase{seed + 4};
  for (double& one : phases_) one = phase.uniform(0.0, kTwoPi);
  blink_start_ = brow_start_ = kNever;
  plan_blink();
  from_ = to_ = {};
  looking_away_ = false;
  saccade_start_ = saccade_duration_ = 0.0;
  next_saccade_ = saccade_random_.uniform(0.5, 3.0);
  jaw_mean_ = jaw_spread_ = 0.0f;
  next_brow_ = 0.0;
  brow_size_ = 0.0f;
}

void IdleMotion::set(const koemorph_controls& controls) {
  controls_ = controls;
  blink_strength_.target = controls.blinks_per_minute > 0.0f ? controls.blink : 0.0f;
  saccade_strength_.target = controls.saccades;
  accent_strength_.target = controls.brow_accents;
  drift_strength_.target = controls.idle;
  for (int i = 0; i < kBlendshapeCount; ++i) {
    maximum_[i].target = controls.active[i] != 0 ? controls.maximum[i] : 0.0f;
  }
  strength_step_ = controls.transition_seconds > frame_seconds_
                       ? frame_seconds_ / controls.transition_seconds
                       : 2.0f;
  if (!started_) reset();
}

void IdleMotion::update_strengths() {
  const auto step = [limit = strength_step_](Strength* strength) {
    strength->current += std::clamp(strength->target - strength->current, -limit, limit);
  };
  for (Strength* strength :
       {&blink_strength_, &saccade_strength_, &accent_strength_, &drift_strength_})
    step(strength);
  for (Strength& maximum : maximum_) step(&maximum);
}

void IdleMotion::add(double motion, int blendshape, float* face) const {
  float& weight = face[blendshape];
  const auto amount = static_cast<float>(std::clamp(motion, 0.0, 1.0));
  weight += amount * std::max(maximum_[blendshape].current - weight, 0.0f);
}

float IdleMotion::update_activity(const int* blendshapes, int count, const float* face,
                                  Activity* activity) {
  float speed = 0.0f;
  for (int i = 0; i < count; ++i) {
    speed = std::max(speed, std::abs(face[blendshapes[i]] - previous_[blendshapes[i]]));
  }
  const bool moves = speed > kMovingSpeed * frame_seconds_ && started_;
  const float step = frame_seconds_ * (moves ? 10.0f : -1.0f);
  activity->level = std::clamp(activity->level + step, 0.0f, 1.0f);
  return activity->level;
}

// Detects speech, and when it paused, from the movement of the mouth.
void IdleMotion::detect_speech(const float* face) {
  float speed = 0.0f;
  for (const int i : kMouth) speed += std::abs(face[i] - previous_[i]);
  const bool moves = speed > kMovingSpeed * frame_seconds_ && started_;
  mouth_activity_ =
      std::clamp(mouth_activity_ + frame_seconds_ * (moves ? 8.0f : -5.0f), 0.0f, 1.0f);
  const bool speech = in_speech_ ? mouth_activity_ > 0.0f : mouth_activity_ >= 1.0f;
  if (in_speech_ && !speech) pause_start_ = time_;
  in_speech_ = speech;
}

void IdleMotion::plan_blink() {
  const double center = -0.5 * kBlinkSpread * kBlinkSpread;  // a mean of 1
  until_blink_ = std::exp(center + kBlinkSpread * blink_random_.normal());
  blink_close_ = 0.09 * blink_random_.uniform(0.85, 1.15);
  blink_open_ = 0.20 * blink_random_.uniform(0.85, 1.15);
}

void IdleMotion::blink(float* face) {
  const bool model_blinks = update_activity(kLids, std::size(kLids), face, &lids_) > 0.0f;
  const double ends = blink_start_ + blink_close_ + kClosedSeconds + blink_open_;
  if (time_ >= ends) {
    if (blink_start_ != kNever) {
      blink_start_ = kNever;
      plan_blink();
    }
    // Slower during speech, fastest in the second after it; the mean is about blinks_per_minute.
    const double rate = in_speech_ ? 0.8 : time_ - pause_start_ < 1.0 ? 3.0 : 1.0;
    const double per_second = controls_.blinks_per_minute / 60.0;
    until_blink_ -= rate * per_second * frame_seconds_;
    if (model_blinks) until_blink_ = std::max(until_blink_, 0.5 * per_second);
    if (until_blink_ <= 0.0) blink_start_ = time_;
  }
  if (blink_start_ == kNever) return;
  const double time = time_ - blink_start_;
  const double closed =
      time < blink_close_ ? smoothstep(time / blink_close_)
                          : 1.0 - smoothstep((time - blink_close_ - kClosedSeconds) / blink_open_);
  for (const int lid : kLids) add(blink_strength_.current * closed, lid, face);
}

void IdleMotion::plan_saccade() {
  from_ = to_;
  looking_away_ = !looking_away_;
  to_ = {};
  if (looking_away_) {
    double left = saccade_random_.uniform(0.0, 100.0);
    int direction = 0;
    while (direction < 7 && left > kDirections[direction]) left -= kDirections[direction++];
    const double size =
        std::min(-6.9 * std::log(saccade_random_.uniform(1.0, 15.0) / 15.7), kMaxSaccade);
    const double angle = direction * kTwoPi / 8.0;
    to_ = {size * std::cos(angle), size * std::sin(angle)};
  }
  // Not std::hypot: its result differs between C libraries, and glibc's needs version 2.35.
  const double dx = to_.x - from_.x;
  const double dy = to_.y - from_.y;
  const double distance = std::sqrt(dx * dx + dy * dy);
  saccade_start_ = time_;
  saccade_duration_ = 0.025 + 0.0024 * distance;
  // Mean durations: 93.9 frames (sd 94.9) at the partner and 27.8 (24.0) away, at 30 fps: about
  // exponential.
  const double mean = looking_away_ ? 27.8 / 30.0 : 93.9 / 30.0;
  next_saccade_ =
      time_ + std::clamp(-mean * std::log(1.0 - saccade_random_.uniform()), 0.2, 4.0 * mean);
}

void IdleMotion::move_eyes(float* face) {
  const float strength = 1.0f - update_activity(kEyes, std::size(kEyes), face, &eyes_);
  if (time_ >= next_saccade_) plan_saccade();
  const double progress = smoothstep((time_ - saccade_start_) / std::max(saccade_duration_, 1e-3));
  const double scale = saccade_strength_.current * strength / kDegreesAtFull;
  const double x = scale * (from_.x + progress * (to_.x - from_.x));
  const double y = scale * (from_.y + progress * (to_.y - from_.y));
  add(x, kEyeLookOutRight, face);
  add(x, kEyeLookInLeft, face);
  add(-x, kEyeLookOutLeft, face);
  add(-x, kEyeLookInRight, face);
  add(y, kEyeLookUpLeft, face);
  add(y, kEyeLookUpRight, face);
  add(-y, kEyeLookDownLeft, face);
  add(-y, kEyeLookDownRight, face);
}

// A jaw that opens clearly wider than its recent mean counts as an accent of speech.
void IdleMotion::raise_brows(float* face) {
  const float strength = 1.0f - update_activity(kBrows, std::size(kBrows), face, &brows_);
  const float deviation = face[kJawOpen] - jaw_mean_;
  const bool accent = in_speech_ && deviation > 1.2f * jaw_spread_ + 0.05f;
  const float step = frame_seconds_ / 2.0f;
  jaw_mean_ += step * deviation;
  jaw_spread_ += step * (std::abs(deviation) - jaw_spread_);
  if (accent && time_ >= next_brow_) {
    next_brow_ = time_ + brow_random_.uniform(1.2, 3.5);
    brow_size_ = static_cast<float>(brow_random_.uniform(0.15, 0.35));
    brow_start_ = time_;
  }
  const double time = time_ - brow_start_;
  const double raised = smoothstep(time / 0.15) * (1.0 - smoothstep((time - 0.25) / 0.40));
  const double size = accent_strength_.current * strength * brow_size_ * raised;
  add(size, kBrowInnerUp, face);
  add(0.7 * size, kBrowOuterUpLeft, face);
  add(0.7 * size, kBrowOuterUpRight, face);
}

// Two slow sine waves per blend shape, whose sum does not repeat within minutes.
void IdleMotion::drift(float* face) {
  const double* phase = phases_;
  for (const Drift& one : kDrifts) {
    const double first = std::sin(kTwoPi * 0.11 * time_ + *phase++);
    const double second = std::sin(kTwoPi * 0.2719 * time_ + *phase++);
    const float strength =
        one.is_mouth ? std::max(1.0f - 2.0f * mouth_activity_, 0.0f) : 1.0f - brows_.level;
    add(drift_strength_.current * strength * one.size * (0.5 + 0.3 * first + 0.2 * second),
        one.blendshape, face);
  }
}

void IdleMotion::apply(int64_t index, float* weights) {
  float model[kBlendshapeCount];
  std::copy(weights, weights + kBlendshapeCount, model);
  time_ = static_cast<double>(index) / fps_;
  update_strengths();
  detect_speech(weights);
  blink(weights);
  move_eyes(weights);
  raise_brows(weights);
  drift(weights);
  std::copy(model, model + kBlendshapeCount, previous_);
  started_ = true;
}

}  // namespace koemorph
