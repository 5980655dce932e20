// The one inner loop that filters share.
#pragma once

namespace koemorph {

// Sum of a[i] * b[i], i < n. The order of the additions is fixed, so the same input gives the same
// bits on every call; the widest vector unit of the machine is chosen when the library is loaded.
float dot(const float* a, const float* b, int n);

}  // namespace koemorph
