// The 88 functionals of eGeMAPSv02 over a window of frames.
#pragma once

#include <vector>

#include "descriptors.h"

namespace koemorph {

// Frames of a ring buffer, oldest first.
struct FrameRing {
  const EgemapsFrame* frames;
  int capacity;
  int first;  // slot of the oldest frame
  int count;

  const EgemapsFrame& operator[](int i) const { return frames[(first + i) % capacity]; }
};

// Mean of three neighbours, the ends doubled: out[i] for i < count. With `skip_zeros` a zero stays
// zero and does not enter its neighbours.
void smooth_contour(const float* values, int count, bool skip_zeros, float* out);

// Scratch for windows of up to `capacity` frames; allocates nothing in compute().
class Functionals {
 public:
  explicit Functionals(int capacity);

  // spectral: all frames of the window; voiced: how many of them, from the oldest, are long enough
  // for the pitch to be known. out: kFunctionalCount values, finite.
  void compute(const FrameRing& spectral, int voiced, float* out);

 private:
  enum class Select { kAll, kVoiced, kUnvoiced };

  // Each fills contour_ with `count` smoothed values of one descriptor.
  void gather(const FrameRing& frames, int lld, int count, Select select, bool skip_zeros);
  // Drops the zeros of contour_.
  void keep_nonzero();

  void spread(float* out);        // mean and normalised deviation
  void describe(float* out);      // the ten functionals of F0 and loudness
  void slopes(float* out) const;  // of rises and falls: mean and deviation of each
  float percentile(double fraction);
  template <typename Visit>
  void slopes_of(bool rising, Visit visit) const;
  void find_extrema();
  void segments(const FrameRing& frames, int count, float* out);

  struct Extremum {
    int position;
    float value;
    bool high;
  };

  struct Stretch {
    int begin, end;
    bool voiced;
  };

  std::vector<float> raw_, contour_, sorted_;
  std::vector<Extremum> extrema_;
  std::vector<Stretch> stretches_;
  int size_ = 0;  // of contour_
  int extrema_count_ = 0;
  int stretches_count_ = 0;
};

}  // namespace koemorph
