// Stage `smooth`: the state between one frame and the next.
#pragma once

#include <array>

#include "face/blendshapes.h"

namespace koemorph {

// The network smooths with a learned alpha from an explicit state: its last output. This stage
// keeps that state, and keeps it sane: a value that is not finite is replaced by the last good one,
// and all lie in [0, 1], so that one bad frame cannot spoil those that follow.
class Smooth {
 public:
  // The state that goes into the network, (52,).
  const float* previous() const { return previous_.data(); }
  // Takes the network's output (52,) as the new frame and state.
  void push(const float* blendshapes);
  const float* frame() const { return previous_.data(); }
  void reset() { previous_.fill(0.0f); }

 private:
  std::array<float, kBlendshapeCount> previous_{};
};

}  // namespace koemorph
