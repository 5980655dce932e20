// Fading of the weights that the reader gets, out to rest and in again.
#pragma once

#include <array>

namespace koemorph {

// Used by the reading thread only. The factor is 1 until the first fade; each fade changes it over
// its duration, from the value that it had at the start of the fade.
class Fade {
 public:
  void fade_out(double time, double seconds) { add(time, seconds, 0.0); }
  void fade_in(double time, double seconds) { add(time, seconds, 1.0); }
  void reset() { *this = Fade(); }

  // Multiplies `count` weights by the factor at `time`.
  void apply(double time, float* weights, int count) const;
  double factor(double time) const;

 private:
  void add(double time, double seconds, double goal);

  // The factor changes from `from` to `goal`, starting at `time`, within `seconds`.
  struct Segment {
    double time, seconds, from, goal;
  };

  std::array<Segment, 16> segments_{};  // in order of time
  int count_ = 0;
};

}  // namespace koemorph
