// Position of a clip that is read ahead of its playback.
#pragma once

#include <cstdint>

#include "koemorph.h"
#include "player/playback_clock.h"

namespace koemorph {

// Converts the play position of a clip to stream time, over seeks and loops, and selects the
// samples to read next. Game thread.
class ClipFollower {
 public:
  // `end`: stream time of the end of the audio fed so far; `sample_rate`: of the clip. True if the
  // position jumped (a start, a seek).
  bool update(const koemorph_clip_state& clip, double now, double end, int sample_rate);
  // No time passes until `now`.
  void hold(double now) { now_ = now; }
  void reset() { *this = ClipFollower(); }

  // Position of the next `count` samples to read, at most `max_count`. 0: only silence is left.
  int read(int max_count, int64_t* position);

  // Whether the clip is audible. A source that is scheduled for later plays, but its position does
  // not move.
  bool audible() const { return clip_.playing != 0 && started_; }
  // Whether a source waits for a scheduled start.
  bool waiting() const { return clip_.playing != 0 && !started_; }
  // Clock of the clip, which runs at its speed.
  double clip_now() const { return clip_now_; }
  const TimeAnchor& anchor() const { return anchor_; }

 private:
  void anchor_at(double stream) { anchor_ = {stream, clip_now_}; }
  double stream_time(int64_t position) const {
    return origin_ + static_cast<double>(position) / sample_rate_;
  }

  koemorph_clip_state clip_{};  // at the last update
  int sample_rate_ = 0;
  bool running_ = false;  // there was an update
  bool started_ = false;  // the position has moved since the source plays
  int64_t start_position_ = 0;
  int64_t next_ = 0;     // position to read next
  double now_ = 0.0;     // of the last update
  double origin_ = 0.0;  // stream time of position 0
  double clip_now_ = 0.0;
  TimeAnchor anchor_;
};

}  // namespace koemorph
