#pragma once

#include <atomic>

namespace koemorph_plugin {

// Turns "this much audio has been fed by now" into a smooth time of playback. The feeding thread
// anchors stream time to wall time at each block; the game thread asks for the time being heard.
// Blocks come in bursts, so the answer follows wall time and leans gently towards the anchors:
// neither the bursts nor the drift between two clocks can be seen on the face.
class AudioClock {
 public:
  // [feeder] Stream time `stream` was reached at `wall`, both in seconds.
  void Anchor(double stream, double wall);

  // [game] The sound stands still until `wall`, and so does the time being heard.
  void Hold(double wall);

  // [game] Seconds since the feeder's last block.
  double Idle(double wall) const;

  // [game] The stream time heard at `wall`, `delay` seconds behind what has been fed. Never goes
  // back, except over a jump.
  double Time(double wall, double delay);

 private:
  struct Point {
    double stream = 0;
    double wall = 0;
  };
  Point Read() const;

  // A sequence lock: odd while the feeder writes. The feeder never waits for the reader.
  std::atomic<unsigned> sequence_{0};
  std::atomic<double> stream_{0};
  std::atomic<double> wall_{0};

  mutable Point last_;  // game thread: what Read saw when it last saw something whole
  bool running_ = false;
  double time_ = 0;
  double time_wall_ = 0;
};

}  // namespace koemorph_plugin
