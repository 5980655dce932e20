#include "audio/gate.h"

#include <algorithm>
#include <cmath>

#include "face/controls.h"

namespace koemorph {
namespace {

constexpr double kHopSeconds = 0.010;
constexpr double kLevelSeconds = 0.020;
constexpr double kOpenSeconds = 0.002;
constexpr double kCloseSeconds = 0.080;
constexpr double kGlideSeconds = 0.050;
constexpr double kLoudnessSeconds = 1.0;
constexpr double kLowestFloor = -90.0;      // dBFS; below it is digital silence
constexpr double kFloorRise = 2.0;          // dB/s
constexpr double kFloorFall = 0.5;          // share of the way, a hop
constexpr double kGainRate = 6.0;           // dB/s
constexpr double kCloseMargin = 2.0 / 3.0;  // the gate closes at this share of the margin
constexpr int kFirstHops = 4;               // until the 20 ms mean square has settled

double decibels(double power) { return 10.0 * std::log10(power + 1e-20); }
double power_of(double level) { return std::pow(10.0, level / 10.0); }
double step(double seconds, int rate) { return 1.0 - std::exp(-1.0 / (seconds * rate)); }

// Moves towards the goal and arrives: no endless approach, no denormals.
void approach(double goal, double share, double* value) {
  *value += share * (goal - *value);
  if (std::abs(goal - *value) < 1e-4) *value = goal;
}

}  // namespace

Gate::Gate(int sample_rate)
    : hop_(static_cast<int>(sample_rate * kHopSeconds)),
      level_step_(step(kLevelSeconds, sample_rate)),
      opening_(step(kOpenSeconds, sample_rate)),
      closing_(step(kCloseSeconds, sample_rate)),
      gliding_(step(kGlideSeconds, sample_rate)) {
  set(default_controls());
  reset();
}

void Gate::reset() {
  fresh_ = true;
  open_ = false;
  held_ = in_hop_ = heard_hops_ = 0;
  power_ = loudness_ = 0.0;
  floor_ = kLowestFloor;
  open_above_ = close_below_ = power_of(kLowestFloor);
  auto_gain_ = 0.0;
  gate_gain_ = gated_ ? 0.0 : 1.0;
  gain_ = wanted_gain_ = strength_;
}

void Gate::set(const koemorph_controls& settings) {
  hold_samples_ = static_cast<int>(settings.gate_hold / kHopSeconds * hop_);
  gated_ = settings.gate != 0;
  auto_gained_ = settings.auto_gain != 0;
  margin_ = settings.gate_margin;
  ceiling_ = settings.gate_ceiling;
  target_ = settings.auto_gain_target;
  limit_ = settings.auto_gain_limit;
  strength_ = settings.input_strength;
  wanted_gain_ = strength_ * std::pow(10.0, auto_gain_ / 20.0);
  if (!fresh_) return;
  gain_ = wanted_gain_;
  gate_gain_ = gated_ ? 0.0 : 1.0;
}

void Gate::follow_floor(double level) {
  if (level <= kLowestFloor) return;
  ++heard_hops_;
  if (heard_hops_ <= kFirstHops) {
    floor_ = level;
  } else if (level < floor_) {
    floor_ += kFloorFall * (level - floor_);
  } else {
    floor_ = std::min(floor_ + kFloorRise * kHopSeconds, level);
  }
  floor_ = std::min(floor_, ceiling_);
  open_above_ = power_of(floor_ + margin_);
  close_below_ = power_of(floor_ + margin_ * kCloseMargin);
}

void Gate::follow_loudness(double level) {
  double wanted = 0.0;
  if (auto_gained_) {
    if (!open_ || power_ < close_below_) return;
    const double share = loudness_ > 0.0 ? 1.0 - std::exp(-kHopSeconds / kLoudnessSeconds) : 1.0;
    loudness_ += share * (power_of(level) - loudness_);
    wanted = std::clamp(target_ - decibels(loudness_), -limit_, limit_);
  }
  const double most = kGainRate * kHopSeconds;
  auto_gain_ += std::clamp(wanted - auto_gain_, -most, most);
  wanted_gain_ = strength_ * std::pow(10.0, auto_gain_ / 20.0);
}

void Gate::hear_hop() {
  const double level = decibels(power_);
  follow_floor(level);
  follow_loudness(level);
}

void Gate::process(float* samples, int count) {
  for (int i = 0; i < count; ++i) {
    const double x = samples[i];
    fresh_ = false;
    power_ += level_step_ * (x * x - power_);
    if (power_ < 1e-30) power_ = 0.0;
    if (++in_hop_ == hop_) {
      in_hop_ = 0;
      hear_hop();
    }
    if (heard_hops_ >= kFirstHops && power_ > open_above_) {
      open_ = true;
      held_ = hold_samples_;
    } else if (open_ && power_ < close_below_ && --held_ <= 0) {
      open_ = false;
    }
    const double gate_goal = gated_ && !open_ ? 0.0 : 1.0;
    approach(gate_goal, gate_goal > gate_gain_ ? opening_ : closing_, &gate_gain_);
    approach(wanted_gain_, gliding_, &gain_);
    samples[i] = static_cast<float>(x * gate_gain_ * gain_);
  }
}

}  // namespace koemorph
