// Stage `idle motion`: blinks, saccades, brow accents and slow drift.
#pragma once

#include <cstdint>

#include "face/blendshapes.h"
#include "koemorph.h"

namespace koemorph {

// Sources.
//   Blinks: about 20 per minute, within the 10.5-32.5 of conversation (Doughty 2001, Optom. Vis.
//   Sci. 78:712); lids close in about 0.1 s and open more slowly (Stern, Walrath and Goldstein
//   1984, Psychophysiology 21:22); intervals are skewed to the right, here log-normal; more
//   frequent in pauses of speech (Nakano and Kitazawa 2010, Exp. Brain Res. 205:577). Saccades:
//   size -6.9 ln(P / 15.7) degrees with P uniform in 1..15, duration 25 ms + 2.4 ms/degree,
//   frequencies of eight directions, longer looks at the partner than away (Lee, Badler and Badler
//   2002, "Eyes Alive", SIGGRAPH). Brow accents go with the peaks of speech (Cave et al. 1996,
//   ICSLP); the peaks are taken from jawOpen.
//
// Deterministic for the same seed, controls and frames. Motion m is added as w + m * (maximum - w),
// where maximum is 0 for inactive blend shapes. It fades out while the model moves the eyes,
// eyelids or brows, and never moves the mouth during speech.
class IdleMotion {
 public:
  explicit IdleMotion(int fps);

  // Back to time 0 and the seed; the controls stay.
  void reset();
  // `controls` have passed check_controls. Strengths change over transition_seconds. Does not
  // allocate.
  void set(const koemorph_controls& controls);
  // Weights of frame `index`, in place; indices may have gaps. Does not allocate.
  void apply(int64_t index, float* weights);

 private:
  // Pseudo-random numbers (splitmix64). Each behavior has its own, so that they are independent.
  struct Random {
    uint64_t state = 0;
    double uniform();
    double uniform(double low, double high);
    double normal();
  };
  struct Strength {
    float current = 0.0f, target = 0.0f;
  };
  // How much the model moves a part of the face, 0..1: rises within a few frames, falls over a
  // second.
  struct Activity {
    float level = 0.0f;
  };
  struct Gaze {
    double x = 0.0, y = 0.0;  // degrees, to the right and up from the view of the person
  };

  void detect_speech(const float* face);
  float update_activity(const int* blendshapes, int count, const float* face, Activity* activity);
  void update_strengths();
  void add(double motion, int blendshape, float* face) const;
  void blink(float* face);
  void plan_blink();
  void move_eyes(float* face);
  void plan_saccade();
  void raise_brows(float* face);
  void drift(float* face);

  int fps_;
  float frame_seconds_;
  koemorph_controls controls_;
  float previous_[kBlendshapeCount];  // last frame of the model
  bool started_;
  double time_;

  Strength blink_strength_, saccade_strength_, accent_strength_, drift_strength_;
  Strength maximum_[kBlendshapeCount];  // upper limit of the weights
  float strength_step_;

  float mouth_activity_;  // 0..1: how much the mouth moves
  bool in_speech_;
  double pause_start_;
  Activity lids_, eyes_, brows_;

  Random blink_random_, saccade_random_, brow_random_;
  double until_blink_;  // in mean intervals, so that a change of the rate applies at once
  double blink_start_, blink_close_, blink_open_;
  Gaze from_, to_;
  bool looking_away_;
  double saccade_start_, saccade_duration_, next_saccade_;
  float jaw_mean_, jaw_spread_;
  double brow_start_, next_brow_;
  float brow_size_;
  double phases_[14];
};

}  // namespace koemorph
