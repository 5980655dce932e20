#include "face/idle_motion.h"

#include <algorithm>
#include <cmath>
#include <iterator>

#include "face/controls.h"
#include "face/face.h"

namespace koemorph {
namespace {

constexpr double kTurn = 6.283185307179586;
constexpr double kNever = -1e9;

constexpr int kLids[] = {kEyeBlinkLeft, kEyeBlinkRight};
constexpr int kEyes[] = {kEyeLookDownLeft,  kEyeLookInLeft,  kEyeLookOutLeft,  kEyeLookUpLeft,
                         kEyeLookDownRight, kEyeLookInRight, kEyeLookOutRight, kEyeLookUpRight};
constexpr int kBrows[] = {kBrowDownLeft, kBrowDownRight, kBrowInnerUp, kBrowOuterUpLeft,
                          kBrowOuterUpRight};
constexpr int kMouth[] = {kJawOpen,     kMouthClose,         kMouthFunnel,
                          kMouthPucker, kMouthLowerDownLeft, kMouthLowerDownRight};

// Movement, in blendshape a second, from which on a part counts as moved by the model.
constexpr float kMoves = 0.5f;
constexpr double kHold = 0.04;           // s the lids stay closed: a frame at 30 fps sees it
constexpr double kBlinkSpread = 0.6;     // of the logarithm of the intervals
constexpr double kDegreesAtFull = 30.0;  // of gaze, at a blendshape of 1
constexpr double kWidestLook = 12.0;     // degrees: faces talk to somebody

// Shares of the eight directions in percent, from right counter-clockwise (Lee et al. 2002, table
// 1).
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

double smoothstep(double t) {
  t = std::clamp(t, 0.0, 1.0);
  return t * t * (3.0 - 2.0 * t);
}

}  // namespace

double IdleMotion::Random::uniform() {
  state += 0x9E3779B97F4A7C15u;
  uint64_t mixed = state;
  mixed = (mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9u;
  mixed = (mixed ^ (mixed >> 27)) * 0x94D049BB133111EBu;
  mixed ^= mixed >> 31;
  return static_cast<double>(mixed >> 11) * (1.0 / 9007199254740992.0);
}

double IdleMotion::Random::uniform(double low, double high) { return low + (high - low) * uniform(); }

double IdleMotion::Random::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(kTurn * uniform());
}

IdleMotion::IdleMotion(int fps) : fps_(fps), frame_seconds_(1.0f / static_cast<float>(fps)) {
  started_ = false;
  set(default_controls());
  reset();
}

void IdleMotion::reset() {
  started_ = false;
  now_ = 0.0;
  std::fill(before_, before_ + kBlendshapeCount, 0.0f);
  for (Strength* strength : {&blinking_, &looking_, &accents_, &idling_}) {
    strength->now = strength->wanted;
  }
  for (Strength& most : most_) most.now = most.wanted;
  speaking_ = 0.0f;
  in_speech_ = false;
  pause_began_ = kNever;
  lids_ = eyes_ = brows_ = {};
  const uint64_t seed = uint64_t{settings_.seed} << 8;
  blink_random_ = {seed + 1};
  look_random_ = {seed + 2};
  brow_random_ = {seed + 3};
  Random phase{seed + 4};
  for (double& one : phases_) one = phase.uniform(0.0, kTurn);
  blink_began_ = brow_began_ = kNever;
  plan_blink();
  from_ = to_ = {};
  away_ = false;
  look_began_ = look_lasts_ = 0.0;
  next_look_ = look_random_.uniform(0.5, 3.0);
  jaw_mean_ = jaw_spread_ = 0.0f;
  next_brow_ = 0.0;
  brow_size_ = 0.0f;
}

void IdleMotion::set(const koemorph_controls& settings) {
  settings_ = settings;
  blinking_.wanted = settings.blinks_per_minute > 0.0f ? settings.blink : 0.0f;
  looking_.wanted = settings.saccades;
  accents_.wanted = settings.brow_accents;
  idling_.wanted = settings.idle;
  for (int i = 0; i < kBlendshapeCount; ++i) {
    most_[i].wanted = settings.active[i] != 0 ? settings.maximum[i] : 0.0f;
  }
  strength_step_ = settings.transition_seconds > frame_seconds_ ? frame_seconds_ / settings.transition_seconds : 2.0f;
  if (!started_) reset();
}

void IdleMotion::glide() {
  const auto step = [most = strength_step_](Strength* strength) {
    strength->now += std::clamp(strength->wanted - strength->now, -most, most);
  };
  for (Strength* strength : {&blinking_, &looking_, &accents_, &idling_}) step(strength);
  for (Strength& most : most_) step(&most);
}

void IdleMotion::add(double life, int blendshape, float* face) const {
  float& weight = face[blendshape];
  const auto amount = static_cast<float>(std::clamp(life, 0.0, 1.0));
  weight += amount * std::max(most_[blendshape].now - weight, 0.0f);
}

float IdleMotion::drive(const int* blendshapes, int count, const float* face, Driven* driven) {
  float speed = 0.0f;
  for (int i = 0; i < count; ++i) {
    speed = std::max(speed, std::abs(face[blendshapes[i]] - before_[blendshapes[i]]));
  }
  const bool moves = speed > kMoves * frame_seconds_ && started_;
  const float step = frame_seconds_ * (moves ? 10.0f : -1.0f);
  driven->amount = std::clamp(driven->amount + step, 0.0f, 1.0f);
  return driven->amount;
}

// Whether the mouth speaks, and since when it does not.
void IdleMotion::listen(const float* face) {
  float speed = 0.0f;
  for (const int i : kMouth) speed += std::abs(face[i] - before_[i]);
  const bool moves = speed > kMoves * frame_seconds_ && started_;
  speaking_ = std::clamp(speaking_ + frame_seconds_ * (moves ? 8.0f : -5.0f), 0.0f, 1.0f);
  const bool speaks = in_speech_ ? speaking_ > 0.0f : speaking_ >= 1.0f;
  if (in_speech_ && !speaks) pause_began_ = now_;
  in_speech_ = speaks;
}

void IdleMotion::plan_blink() {
  const double centre = -0.5 * kBlinkSpread * kBlinkSpread;  // a mean of 1
  until_blink_ = std::exp(centre + kBlinkSpread * blink_random_.normal());
  blink_close_ = 0.09 * blink_random_.uniform(0.85, 1.15);
  blink_open_ = 0.20 * blink_random_.uniform(0.85, 1.15);
}

void IdleMotion::blink(float* face) {
  const bool model_blinks = drive(kLids, std::size(kLids), face, &lids_) > 0.0f;
  const double ends = blink_began_ + blink_close_ + kHold + blink_open_;
  if (now_ >= ends) {
    if (blink_began_ != kNever) {
      blink_began_ = kNever;
      plan_blink();
    }
    // Slower while speaking, fastest in the second after it, and about as set on the whole.
    const double rate = in_speech_ ? 0.8 : now_ - pause_began_ < 1.0 ? 3.0 : 1.0;
    const double each_second = settings_.blinks_per_minute / 60.0;
    until_blink_ -= rate * each_second * frame_seconds_;
    if (model_blinks) until_blink_ = std::max(until_blink_, 0.5 * each_second);
    if (until_blink_ <= 0.0) blink_began_ = now_;
  }
  if (blink_began_ == kNever) return;
  const double time = now_ - blink_began_;
  const double closed = time < blink_close_
                            ? smoothstep(time / blink_close_)
                            : 1.0 - smoothstep((time - blink_close_ - kHold) / blink_open_);
  for (const int lid : kLids) add(blinking_.now * closed, lid, face);
}

void IdleMotion::plan_look() {
  from_ = to_;
  away_ = !away_;
  to_ = {};
  if (away_) {
    double left = look_random_.uniform(0.0, 100.0);
    int direction = 0;
    while (direction < 7 && left > kDirections[direction]) left -= kDirections[direction++];
    const double size =
        std::min(-6.9 * std::log(look_random_.uniform(1.0, 15.0) / 15.7), kWidestLook);
    const double angle = direction * kTurn / 8.0;
    to_ = {size * std::cos(angle), size * std::sin(angle)};
  }
  const double way = std::hypot(to_.x - from_.x, to_.y - from_.y);
  look_began_ = now_;
  look_lasts_ = 0.025 + 0.0024 * way;
  // Looks of 93.9 (sd 94.9) frames at the partner and 27.8 (24.0) away, at 30 fps: about
  // exponential.
  const double mean = away_ ? 27.8 / 30.0 : 93.9 / 30.0;
  next_look_ = now_ + std::clamp(-mean * std::log(1.0 - look_random_.uniform()), 0.2, 4.0 * mean);
}

void IdleMotion::look(float* face) {
  const float room = 1.0f - drive(kEyes, std::size(kEyes), face, &eyes_);
  if (now_ >= next_look_) plan_look();
  const double done = smoothstep((now_ - look_began_) / std::max(look_lasts_, 1e-3));
  const double scale = looking_.now * room / kDegreesAtFull;
  const double x = scale * (from_.x + done * (to_.x - from_.x));
  const double y = scale * (from_.y + done * (to_.y - from_.y));
  add(x, kEyeLookOutRight, face);
  add(x, kEyeLookInLeft, face);
  add(-x, kEyeLookOutLeft, face);
  add(-x, kEyeLookInRight, face);
  add(y, kEyeLookUpLeft, face);
  add(y, kEyeLookUpRight, face);
  add(-y, kEyeLookDownLeft, face);
  add(-y, kEyeLookDownRight, face);
}

// A mouth that opens clearly wider than it has of late is taken for an accent of speech.
void IdleMotion::raise_brows(float* face) {
  const float room = 1.0f - drive(kBrows, std::size(kBrows), face, &brows_);
  const float away = face[kJawOpen] - jaw_mean_;
  const bool accent = in_speech_ && away > 1.2f * jaw_spread_ + 0.05f;
  const float share = frame_seconds_ / 2.0f;
  jaw_mean_ += share * away;
  jaw_spread_ += share * (std::abs(away) - jaw_spread_);
  if (accent && now_ >= next_brow_) {
    next_brow_ = now_ + brow_random_.uniform(1.2, 3.5);
    brow_size_ = static_cast<float>(brow_random_.uniform(0.15, 0.35));
    brow_began_ = now_;
  }
  const double time = now_ - brow_began_;
  const double raised = smoothstep(time / 0.15) * (1.0 - smoothstep((time - 0.25) / 0.40));
  const double size = accents_.now * room * brow_size_ * raised;
  add(size, kBrowInnerUp, face);
  add(0.7 * size, kBrowOuterUpLeft, face);
  add(0.7 * size, kBrowOuterUpRight, face);
}

// Two slow waves a blendshape, which do not repeat within minutes.
void IdleMotion::drift(float* face) {
  const double* phase = phases_;
  for (const Drift& one : kDrifts) {
    const double first = std::sin(kTurn * 0.11 * now_ + *phase++);
    const double second = std::sin(kTurn * 0.2719 * now_ + *phase++);
    const float room =
        one.is_mouth ? std::max(1.0f - 2.0f * speaking_, 0.0f) : 1.0f - brows_.amount;
    add(idling_.now * room * one.size * (0.5 + 0.3 * first + 0.2 * second), one.blendshape, face);
  }
}

void IdleMotion::apply(int64_t index, float* face) {
  float model[kBlendshapeCount];
  std::copy(face, face + kBlendshapeCount, model);
  now_ = static_cast<double>(index) / fps_;
  glide();
  listen(face);
  blink(face);
  look(face);
  raise_brows(face);
  drift(face);
  std::copy(model, model + kBlendshapeCount, before_);
  started_ = true;
}

}  // namespace koemorph
