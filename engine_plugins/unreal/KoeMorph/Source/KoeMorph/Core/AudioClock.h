// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <atomic>

namespace koemorph_plugin {

// Smooth playback time from irregular audio blocks. The pushing thread anchors stream time to wall
// time at each block; the game thread reads the time. The time advances with wall time and is
// corrected gradually towards the anchors, so neither bursts of blocks nor drift between the clocks
// is visible.
class AudioClock {
 public:
  // [pushing thread] Stream time `stream` was reached at `wall`, both in seconds.
  void Anchor(double stream, double wall);

  // [game] No stream time passes until `wall`.
  void Pause(double wall);

  // [game] Seconds since the last anchor.
  double Idle(double wall) const;

  // [game] Stream time at `wall`, `latency` seconds behind the pushed audio. Never decreases,
  // except for errors above a maximum.
  double Time(double wall, double latency);

 private:
  struct Point {
    double stream = 0;
    double wall = 0;
  };
  Point Read() const;

  // Sequence lock: odd while the pushing thread writes, which never waits for the reader.
  std::atomic<unsigned> sequence_{0};
  std::atomic<double> stream_{0};
  std::atomic<double> wall_{0};

  mutable Point last_;  // game thread: the last consistent value of Read
  bool running_ = false;
  double time_ = 0;
  double time_wall_ = 0;
};

}  // namespace koemorph_plugin
