#include "AudioClock.h"

#include <algorithm>
#include <cmath>

namespace koemorph_plugin {
namespace {

constexpr double kJump = 0.25;   // s; larger errors (a stall, a new device) are followed at once
constexpr double kSettle = 0.5;  // s; time constant with which smaller ones shrink

}  // namespace

void AudioClock::Anchor(double stream, double wall) {
  sequence_.fetch_add(1, std::memory_order_relaxed);
  // Whoever sees one of the stores below sees that the sequence is odd; the addition alone would
  // not see to that on ARM.
  std::atomic_thread_fence(std::memory_order_release);
  stream_.store(stream, std::memory_order_relaxed);
  wall_.store(wall, std::memory_order_relaxed);
  sequence_.fetch_add(1, std::memory_order_release);
}

AudioClock::Point AudioClock::Read() const {
  // A writer is inside for two stores only; three looks are enough, and a miss costs one frame's
  // news.
  for (int look = 0; look < 3; ++look) {
    const unsigned before = sequence_.load(std::memory_order_acquire);
    const Point seen{stream_.load(std::memory_order_relaxed),
                     wall_.load(std::memory_order_relaxed)};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && before == sequence_.load(std::memory_order_relaxed)) {
      last_ = seen;
      break;
    }
  }
  return last_;
}

void AudioClock::Hold(double wall) { time_wall_ = wall; }

double AudioClock::Idle(double wall) const { return wall - Read().wall; }

double AudioClock::Time(double wall, double delay) {
  const Point anchor = Read();
  const double target = anchor.stream + std::min(wall - anchor.wall, kJump) - delay;
  const double step = wall - time_wall_;
  const double error = target - (time_ + step);
  if (!running_ || std::abs(error) > kJump) {
    time_ = target;
  } else {
    time_ += std::max(0.0, step + error * std::min(1.0, step / kSettle));
  }
  running_ = true;
  time_wall_ = wall;
  return time_;
}

}  // namespace koemorph_plugin
