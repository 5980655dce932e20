// What no voice says: blinks, saccades, brow accents, idle micro-motion. After controls, frame by
// frame.
#pragma once

#include <cstdint>

#include "face/blendshapes.h"
#include "koemorph.h"

namespace koemorph {

// Sources.
//   Blinks: about 20 a minute, within the 10.5-32.5 of conversation (Doughty 2001, Optom. Vis. Sci.
//   78:712); lids close in about 0.1 s and open more slowly (Stern, Walrath and Goldstein 1984,
//   Psychophysiology 21:22); intervals are skewed to the right, here log-normal; more of them where
//   speech pauses (Nakano and Kitazawa 2010, Exp. Brain Res. 205:577).
//   Saccades: size -6.9 ln(P / 15.7) degrees with P uniform in 1..15, duration 25 ms + 2.4 ms a
//   degree, eight directions with their shares, longer looks at the partner than away (Lee, Badler
//   and Badler 2002, "Eyes Alive", SIGGRAPH). Brow accents go with the peaks of speech (Cave et al.
//   1996, ICSLP); the peaks are taken from jawOpen.
//
// The same seed, settings and frames give the same life. It is added into the room a blendshape
// has left up to its maximum (w + life * (maximum - w)), or 0 where it is not active; withdraws
// where the model itself moves eyes, lids or brows, and never moves the mouth while it speaks.
class IdleMotion {
 public:
  explicit IdleMotion(int fps);

  // Back to time 0 and the seed, with the settings that are.
  void reset();
  // `settings` have passed check_controls. Strengths glide over settings.transition_seconds; allocates nothing.
  void set(const koemorph_controls& settings);
  // Frame `index`, in place; indices may leave gaps. Allocates nothing.
  void apply(int64_t index, float* face);

 private:
  // A seeded sequence of numbers (splitmix64), one a behaviour, so that none disturbs another.
  struct Random {
    uint64_t state = 0;
    double uniform();
    double uniform(double low, double high);
    double normal();
  };
  struct Strength {
    float now = 0.0f, wanted = 0.0f;
  };
  // How much the model itself moves a part of the face: up within a few frames, down over a second.
  struct Driven {
    float amount = 0.0f;
  };
  struct Gaze {
    double x = 0.0, y = 0.0;  // degrees, right and up as the person sees it
  };

  void listen(const float* face);
  float drive(const int* blendshapes, int count, const float* face, Driven* driven);
  void glide();
  void add(double life, int blendshape, float* face) const;
  void blink(float* face);
  void plan_blink();
  void look(float* face);
  void plan_look();
  void raise_brows(float* face);
  void drift(float* face);

  int fps_;
  float frame_seconds_;
  koemorph_controls settings_;
  float before_[kBlendshapeCount];  // the model's last frame
  bool started_;
  double now_;

  Strength blinking_, looking_, accents_, idling_;
  Strength most_[kBlendshapeCount];  // the weight up to which life may go
  float strength_step_;

  float speaking_;  // 0..1: how much the mouth moves
  bool in_speech_;
  double pause_began_;
  Driven lids_, eyes_, brows_;

  Random blink_random_, look_random_, brow_random_;
  double until_blink_;  // in mean intervals of the rate that is set, whatever it becomes
  double blink_began_, blink_close_, blink_open_;
  Gaze from_, to_;
  bool away_;
  double look_began_, look_lasts_, next_look_;
  float jaw_mean_, jaw_spread_;
  double brow_began_, next_brow_;
  float brow_size_;
  double phases_[14];
};

}  // namespace koemorph
