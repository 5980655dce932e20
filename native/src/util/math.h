// Constants and functions that several stages use.
#pragma once

#include <algorithm>

namespace koemorph {

constexpr double kPi = 3.14159265358979323846;

// 0 at t <= 0, 1 at t >= 1, with a slope of 0 at both ends.
template <typename Number>
Number smoothstep(Number t) {
  t = std::clamp(t, Number{0}, Number{1});
  return t * t * (Number{3} - Number{2} * t);
}

}  // namespace koemorph
