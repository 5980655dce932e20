// The 88 functionals of eGeMAPSv02 over a window of frames.
#pragma once

#include <array>
#include <vector>

#include "egemaps/descriptors.h"

namespace koemorph {

// Mean of three neighbours of a contour, whose ends are doubled. With `skip_zeros` a zero stays
// zero and does not enter its neighbours.
inline float smooth_value(float left, float middle, float right, bool skip_zeros) {
  if (!skip_zeros) return (left + middle + right) / 3.0f;
  const int used = (left != 0) + (middle != 0) + (right != 0);
  const float mean = (left + middle + right) / static_cast<float>(used > 0 ? used : 1);
  return middle == 0 ? 0.0f : mean;
}

struct Spread {
  double mean = 0, deviation = 0;
};

// Smooths contours side by side, one number of each at a time, and sums them up as they come.
template <int kColumns, bool kSkipZeros>
class Contours {
 public:
  void begin() { *this = Contours(); }
  // row: (kColumns,). From the second on the row before it is smoothed: see newest().
  void add(const float* row);
  // There is none after the last row.
  void end() { smooth(middle_.data()); }
  // The row that was smoothed last.
  const float* newest() const { return newest_.data(); }
  int rows() const { return rows_; }
  // Of all smoothed numbers of a column; with kSkipZeros of those that are not zero.
  Spread spread(int column) const;

 private:
  using Row = std::array<float, kColumns>;
  void smooth(const float* right);

  Row left_{}, middle_{}, newest_{};
  std::array<double, kColumns> sum_{}, squares_{};
  std::array<int, kColumns> nonzero_{};
  int rows_ = 0;
};

// Takes the frames of a window one after the other, oldest first, so that the work can be spread
// over time. For windows of up to `capacity` frames; allocates nothing after construction.
class Functionals {
 public:
  explicit Functionals(int capacity);

  void begin();
  void add(const EgemapsFrame& frame);
  // The same for the window's last frames, those too new for their pitch to be known.
  void add_unpitched(const EgemapsFrame& frame);
  int frames() const { return spectral_.rows(); }
  // No frame after these. out: kFunctionalCount values, finite.
  void end(float* out);

 private:
  struct Contour {
    std::vector<float> values;
    int size = 0;
    void add(float value) { values[size++] = value; }
  };

  // Descriptors that count for themselves in one column each: those of the spectrum in all frames;
  // those of the pitch, and of the spectrum in voiced and in unvoiced frames.
  static constexpr int kSpectral = kF0;
  static constexpr int kPitched = kLldCount - kF0;
  static constexpr int kVoiced = kPitched, kUnvoiced = kVoiced + kSpectral - kAlphaRatio;
  static constexpr int kColumns = kUnvoiced + kMfcc - kAlphaRatio;

  void keep_spectral();
  void keep_pitched();
  // The ten functionals of F0 and loudness.
  void describe(const Contour& contour, const Spread& spread, float* out);
  void percentiles(const Contour& contour, float* out);
  void find_extrema(const Contour& contour);
  void slopes(const Contour& contour,
              float* out) const;  // rises, falls: mean and deviation of each
  template <typename ScopedEntry>
  void slopes_of(const Contour& contour, bool rising, ScopedEntry visit) const;
  int stretch_end(int begin) const;
  void segments(float* out) const;

  struct Extremum {
    int position;
    bool high;
  };

  Contours<kSpectral, false> spectral_;
  Contours<kColumns, true> pitched_;
  Contour loudness_, pitch_;  // smoothed; of the pitch what is not zero
  std::vector<char> voiced_;  // by frame
  double energy_ = 0;
  std::vector<float> sorted_;
  std::vector<Extremum> extrema_;
  int extrema_count_ = 0;
};

}  // namespace koemorph
