// A voice that stops before its audio does: the face goes to rest, and may come back.
#pragma once

#include <array>

namespace koemorph {

// Belongs to the thread that reads the stream. The share of the face that is left at a time is 1
// until a stop, falls to 0 over the seconds after it, and rises again after a resume, from wherever
// it was.
class Fade {
 public:
  void fade_out(double time, double seconds) { turn(time, seconds, 0.0); }
  void fade_in(double time, double seconds) { turn(time, seconds, 1.0); }
  void reset() { *this = Fade(); }

  // Scales `n` weights to what is left at `time`.
  void apply(double time, float* weights, int n) const;

 private:
  void turn(double time, double seconds, double goal);
  double share(double time) const;

  // From `time` on, over `seconds`, the share goes from `from` to `goal`.
  struct Turn {
    double time, seconds, from, goal;
  };

  std::array<Turn, 16> turns_{};  // in order of time
  int count_ = 0;
};

}  // namespace koemorph
