// Names and order of the 52 blend shapes.
#pragma once

#include "koemorph.h"

namespace koemorph {

constexpr int kBlendshapeCount = KOEMORPH_BLENDSHAPE_COUNT;

// Apple's names in the order Live Link Face sends them.
extern const char* const kBlendshapeNames[kBlendshapeCount];

}  // namespace koemorph
