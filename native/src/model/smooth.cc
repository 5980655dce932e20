#include "model/smooth.h"

#include <algorithm>
#include <cmath>

namespace koemorph {

void Smooth::push(const float* blendshapes) {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    if (std::isfinite(blendshapes[i])) previous_[i] = std::clamp(blendshapes[i], 0.0f, 1.0f);
  }
}

}  // namespace koemorph
