// The 52 names, in the one order.
#pragma once

#include "koemorph.h"

namespace koemorph {

constexpr int kCoefficients = KOEMORPH_COEFFICIENTS;

// Apple's names in the order Live Link Face sends them.
extern const char* const kCoefficientNames[kCoefficients];

}  // namespace koemorph
