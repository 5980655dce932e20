#include "smooth.h"

#include <algorithm>
#include <cmath>

namespace koemorph {

void Smooth::push(const float* coefficients) {
  for (int i = 0; i < kCoefficients; ++i) {
    if (std::isfinite(coefficients[i])) previous_[i] = std::clamp(coefficients[i], 0.0f, 1.0f);
  }
}

}  // namespace koemorph
