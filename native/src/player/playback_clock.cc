#include "player/playback_clock.h"

#include <algorithm>
#include <cmath>

namespace koemorph {
namespace {

// Time constant of the correction, s.
constexpr double kCorrectionTime = 0.5;
// Errors up to this are jitter, s. Their correction changes the pace by at most kMaxJitterRate, so
// that a frame of 1/30 s stays within 1 ms.
constexpr double kJitter = 0.08;
constexpr double kMaxJitterRate = 0.025;

// After a jump jitter is corrected at full pace for this time: the target is not known well, s.
constexpr double kSettlingTime = 1.0;

// Change of the pace that corrects an error, in seconds per second.
double correction_rate(double error, bool settling) {
  const double size = std::abs(error);
  const double jitter_rate = std::min(size / kCorrectionTime, kMaxJitterRate);
  const double rate = settling ? size / kCorrectionTime
                               : jitter_rate + std::max(0.0, size - kJitter) / kCorrectionTime;
  return std::copysign(std::min(rate, 1.0 / kCorrectionTime), error);
}

}  // namespace

bool PlaybackClock::advance(double now, double target) {
  const double step = std::max(0.0, now - now_);
  const double error = target - (time_ + step);
  const bool jumps = !running_ || std::abs(error) > kMaxError;
  if (jumps) {
    time_ = target;
    jump_ = now;
  } else {
    const double change = correction_rate(error, now < jump_ + kSettlingTime) * step;
    // Never beyond the target, however long the step is.
    const double bounded = std::abs(change) < std::abs(error) ? change : error;
    time_ += std::max(0.0, step + bounded);
  }
  running_ = true;
  now_ = now;
  return jumps;
}

double extrapolate(const TimeAnchor& anchor, double now) {
  return anchor.stream + std::min(now - anchor.now, PlaybackClock::kMaxError);
}

}  // namespace koemorph
