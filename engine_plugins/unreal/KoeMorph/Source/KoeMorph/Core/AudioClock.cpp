// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "AudioClock.h"

#include <algorithm>
#include <cmath>

namespace koemorph_plugin {
namespace {

constexpr double kMaxError = 0.25;       // s; larger errors are applied at once
constexpr double kCorrectionTime = 0.5;  // s; time constant of the correction of smaller errors

}  // namespace

void AudioClock::Anchor(double stream, double wall) {
  sequence_.fetch_add(1, std::memory_order_relaxed);
  // A reader that sees one of the stores below must see the odd sequence; without the fence ARM may
  // reorder them.
  std::atomic_thread_fence(std::memory_order_release);
  stream_.store(stream, std::memory_order_relaxed);
  wall_.store(wall, std::memory_order_relaxed);
  sequence_.fetch_add(1, std::memory_order_release);
}

AudioClock::Point AudioClock::Read() const {
  // The writer holds the lock for two stores only: three attempts suffice, and a failure costs one
  // update.
  for (int attempt = 0; attempt < 3; ++attempt) {
    const unsigned before = sequence_.load(std::memory_order_acquire);
    const Point read{stream_.load(std::memory_order_relaxed),
                     wall_.load(std::memory_order_relaxed)};
    std::atomic_thread_fence(std::memory_order_acquire);
    if (before % 2 == 0 && before == sequence_.load(std::memory_order_relaxed)) {
      last_ = read;
      break;
    }
  }
  return last_;
}

void AudioClock::Pause(double wall) { time_wall_ = wall; }

double AudioClock::Idle(double wall) const { return wall - Read().wall; }

double AudioClock::Time(double wall, double latency) {
  const Point anchor = Read();
  const double target = anchor.stream + std::min(wall - anchor.wall, kMaxError) - latency;
  const double step = wall - time_wall_;
  const double error = target - (time_ + step);
  if (!running_ || std::abs(error) > kMaxError) {
    time_ = target;
  } else {
    time_ += std::max(0.0, step + error * std::min(1.0, step / kCorrectionTime));
  }
  running_ = true;
  time_wall_ = wall;
  return time_;
}

}  // namespace koemorph_plugin
