// Removal of visible jumps from displayed weights.
#pragma once

#include <array>

#include "face/blendshapes.h"

namespace koemorph {

// After a discontinuity (a restart, a seek) the difference to the weights displayed last is added
// and decays linearly, so that the displayed weights continue without a jump.
class WeightBlend {
 public:
  // A discontinuity lies before the next weights.
  void start() { pending_ = true; }
  // `seconds` pass until the next weights.
  void advance(double seconds);
  // Replaces weights (52,) by those to display.
  void apply(float* weights);
  void reset() { *this = WeightBlend(); }

 private:
  std::array<float, kBlendshapeCount> last_{};        // displayed weights
  std::array<float, kBlendshapeCount> difference_{};  // at the discontinuity
  float decay_ = 2.0f;                                // by which the differences have shrunk
  bool has_last_ = false;
  bool pending_ = false;
};

}  // namespace koemorph
