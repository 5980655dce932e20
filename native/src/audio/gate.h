// The level of the voice before the features: input strength, noise gate, automatic gain.
#pragma once

#include <cstdint>

#include "koemorph.h"

namespace koemorph {

// Works sample by sample on what has been heard so far: no delay, and the same result however the
// audio is cut into blocks. With gate and auto_gain off and a strength of 1 samples pass unchanged.
//
// The noise floor follows the level (20 ms mean square) down at once and up by 2 dB/s, so pauses
// set it and words hardly lift it; digital silence says nothing about a microphone and leaves it
// alone. Loudness is the mean power of what is above the noise over a second; gain moves towards
// the target by at most 6 dB/s.
class Gate {
 public:
  explicit Gate(int sample_rate);

  // Back to having heard nothing, with the settings that are.
  void reset();
  // `settings` have passed check_controls. Allocates nothing; gains glide, thresholds change at
  // once.
  void set(const koemorph_controls& settings);
  // In place. Allocates nothing.
  void process(float* samples, int count);

  bool is_open() const { return open_; }
  double noise_floor() const { return floor_; }  // dBFS
  double gain() const { return auto_gain_; }     // dB, of the automatic gain alone

 private:
  void hear_hop();
  void follow_floor(double level);
  void follow_loudness(double level);

  int hop_;                   // samples between two looks at the level: 10 ms
  double level_step_;         // of the 20 ms mean square, a sample
  double opening_, closing_;  // steps towards an open or closed gate, a sample
  double gliding_;            // step towards the wanted gain, a sample
  int hold_samples_ = 0;
  bool gated_ = false;
  bool auto_gained_ = false;
  double margin_, ceiling_, target_, limit_;
  double strength_;

  bool fresh_ = true;  // nothing heard since reset: gains need not glide
  bool open_;
  int held_;        // samples that the gate may still stay open
  int in_hop_;      // samples since the last look
  int heard_hops_;  // looks at something else than digital silence
  double power_;
  double open_above_, close_below_;  // mean squares
  double floor_;                     // dBFS
  double loudness_;                  // mean square of open passages
  double auto_gain_;                 // dB
  double gate_gain_;                 // 0..1
  double gain_, wanted_gain_;        // strength times automatic gain
};

}  // namespace koemorph
