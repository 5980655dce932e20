// Dot product.
#pragma once

namespace koemorph {

// Sum of a[i] * b[i], i < n. The order of the additions is fixed, so the same input always gives
// the same bits. The loader selects the version for the processor's vector unit.
float dot(const float* a, const float* b, int n);

}  // namespace koemorph
