// Smooth playback time from positions that arrive irregularly.
#pragma once

namespace koemorph {

// Stream time `stream` is reached at `now`; both in seconds.
struct TimeAnchor {
  double stream = 0.0;
  double now = 0.0;
};

// Follows a target time. The time advances with the caller's clock and is corrected gradually, so
// neither bursts of audio blocks nor drift between the clocks is visible.
class PlaybackClock {
 public:
  // Longest time for which a target is extrapolated from its anchor, and the largest error that is
  // corrected gradually, in seconds.
  static constexpr double kMaxError = 0.25;

  // Advances to `now`. target: stream time that is audible at `now`. The time never decreases,
  // except for errors above kMaxError, which are applied at once; true in this case.
  bool advance(double now, double target);
  // No stream time passes until `now`.
  void hold(double now) { now_ = now; }
  // The next advance applies its target at once.
  void restart() { running_ = false; }
  void reset() { *this = PlaybackClock(); }

  double time() const { return time_; }

 private:
  bool running_ = false;
  double time_ = 0.0;
  double now_ = 0.0;
  double jump_ = 0.0;  // `now` of the last jump
};

// The stream time at `now`, extrapolated from an anchor.
double extrapolate(const TimeAnchor& anchor, double now);

}  // namespace koemorph
