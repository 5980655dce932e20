// Stage `gate`: input gain, noise gate and automatic gain.
#pragma once

#include <cstdint>

#include "koemorph.h"

namespace koemorph {

// Causal and sample by sample: no delay, and the result does not depend on block sizes. With gate
// and auto_gain off and a strength of 1, samples are unchanged.
//
// The noise floor follows the level (20 ms mean square), down at once and up by 2 dB/s, so that
// pauses determine it and words raise it only slightly; digital silence is ignored. Loudness is the
// mean power over one second of what is above the noise; the automatic gain moves towards the
// target by at most 6 dB/s.
class Gate {
 public:
  explicit Gate(int sample_rate);

  // Back to the initial state; the controls stay.
  void reset();
  // `controls` have passed check_controls. Gains are smoothed, thresholds change at once. Does not
  // allocate.
  void set(const koemorph_controls& controls);
  // In place. Does not allocate.
  void process(float* samples, int count);

  bool is_open() const { return open_; }
  double noise_floor() const { return floor_; }  // dBFS
  double gain() const { return auto_gain_; }     // dB, of the automatic gain alone

 private:
  void update_level();
  void update_floor(double level);
  void update_auto_gain(double level);

  int hop_;            // samples between two updates: 10 ms
  double level_step_;  // of the 20 ms mean square, per sample
  double open_step_;   // towards an open gate, per sample
  double close_step_;  // towards a closed gate, per sample
  double gain_step_;   // towards target_gain_, per sample
  int hold_samples_ = 0;
  bool gate_on_ = false;
  bool auto_gain_on_ = false;
  double margin_, ceiling_, target_, limit_;
  double strength_;

  bool initial_ = true;  // no input since reset: gains need no smoothing
  bool open_;
  int hold_left_;     // samples until the gate closes
  int hop_position_;  // samples since the last update
  int audible_hops_;  // updates that were not digital silence
  double power_;
  double open_above_, close_below_;  // mean squares
  double floor_;                     // dBFS
  double loudness_;                  // mean square while the gate is open
  double auto_gain_;                 // dB
  double gate_gain_;                 // 0..1
  double gain_, target_gain_;        // strength times automatic gain
};

}  // namespace koemorph
