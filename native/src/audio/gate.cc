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
constexpr double kGainSeconds = 0.050;
constexpr double kLoudnessSeconds = 1.0;
constexpr double kLowestFloor = -90.0;      // dBFS; below it is digital silence
constexpr double kFloorRise = 2.0;          // dB/s
constexpr double kFloorFall = 0.5;          // fraction per hop
constexpr double kGainRate = 6.0;           // dB/s
constexpr double kCloseMargin = 2.0 / 3.0;  // the gate closes at this fraction of the margin
constexpr int kFirstHops = 4;               // until the 20 ms mean square is valid

double level_of(double power) { return 10.0 * std::log10(power + 1e-20); }
double power_of(double level) { return std::pow(10.0, level / 10.0); }
double step_for(double seconds, int rate) { return 1.0 - std::exp(-1.0 / (seconds * rate)); }

// Exponential approach that ends at the goal, without denormals.
void approach(double goal, double step, double* value) {
  *value += step * (goal - *value);
  if (std::abs(goal - *value) < 1e-4) *value = goal;
}

}  // namespace

Gate::Gate(int sample_rate)
    : hop_(static_cast<int>(sample_rate * kHopSeconds)),
      level_step_(step_for(kLevelSeconds, sample_rate)),
      open_step_(step_for(kOpenSeconds, sample_rate)),
      close_step_(step_for(kCloseSeconds, sample_rate)),
      gain_step_(step_for(kGainSeconds, sample_rate)) {
  set(default_controls());
  reset();
}

void Gate::reset() {
  initial_ = true;
  open_ = false;
  hold_left_ = hop_position_ = audible_hops_ = 0;
  power_ = loudness_ = 0.0;
  floor_ = kLowestFloor;
  open_above_ = close_below_ = power_of(kLowestFloor);
  auto_gain_ = 0.0;
  gate_gain_ = gate_on_ ? 0.0 : 1.0;
  gain_ = target_gain_ = strength_;
}

void Gate::set(const koemorph_controls& controls) {
  hold_samples_ = static_cast<int>(controls.gate_hold / kHopSeconds * hop_);
  gate_on_ = controls.gate != 0;
  auto_gain_on_ = controls.auto_gain != 0;
  margin_ = controls.gate_margin;
  ceiling_ = controls.gate_ceiling;
  target_ = controls.auto_gain_target;
  limit_ = controls.auto_gain_limit;
  strength_ = controls.input_strength;
  target_gain_ = strength_ * std::pow(10.0, auto_gain_ / 20.0);
  if (!initial_) return;
  gain_ = target_gain_;
  gate_gain_ = gate_on_ ? 0.0 : 1.0;
}

void Gate::update_floor(double level) {
  if (level <= kLowestFloor) return;
  ++audible_hops_;
  if (audible_hops_ <= kFirstHops) {
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

void Gate::update_auto_gain(double level) {
  double goal = 0.0;
  if (auto_gain_on_) {
    if (!open_ || power_ < close_below_) return;
    const double step = loudness_ > 0.0 ? 1.0 - std::exp(-kHopSeconds / kLoudnessSeconds) : 1.0;
    loudness_ += step * (power_of(level) - loudness_);
    goal = std::clamp(target_ - level_of(loudness_), -limit_, limit_);
  }
  const double limit = kGainRate * kHopSeconds;
  auto_gain_ += std::clamp(goal - auto_gain_, -limit, limit);
  target_gain_ = strength_ * std::pow(10.0, auto_gain_ / 20.0);
}

void Gate::update_level() {
  const double level = level_of(power_);
  update_floor(level);
  update_auto_gain(level);
}

void Gate::process(float* samples, int count) {
  for (int i = 0; i < count; ++i) {
    const double x = samples[i];
    initial_ = false;
    power_ += level_step_ * (x * x - power_);
    if (power_ < 1e-30) power_ = 0.0;
    if (++hop_position_ == hop_) {
      hop_position_ = 0;
      update_level();
    }
    if (audible_hops_ >= kFirstHops && power_ > open_above_) {
      open_ = true;
      hold_left_ = hold_samples_;
    } else if (open_ && power_ < close_below_ && --hold_left_ <= 0) {
      open_ = false;
    }
    const double gate_goal = gate_on_ && !open_ ? 0.0 : 1.0;
    approach(gate_goal, gate_goal > gate_gain_ ? open_step_ : close_step_, &gate_gain_);
    approach(target_gain_, gain_step_, &gain_);
    samples[i] = static_cast<float>(x * gate_gain_ * gain_);
  }
}

}  // namespace koemorph
