// The 88 functionals of eGeMAPSv02 over a window of frames.
#pragma once

#include <array>
#include <vector>

#include "egemaps/descriptors.h"

namespace koemorph {

// Moving average of three values of a contour, whose ends are repeated. With `skip_zeros` zeros
// stay zero and are excluded from the averages.
inline float smooth_value(float left, float middle, float right, bool skip_zeros) {
  if (!skip_zeros) return (left + middle + right) / 3.0f;
  const int used = (left != 0) + (middle != 0) + (right != 0);
  const float mean = (left + middle + right) / static_cast<float>(used > 0 ? used : 1);
  return middle == 0 ? 0.0f : mean;
}

struct Spread {
  double mean = 0, deviation = 0;
};

// Smooths several contours in parallel, one row at a time, and updates their sums.
template <int kColumns, bool kSkipZeros>
class Contours {
 public:
  void begin() { *this = Contours(); }
  // row: (kColumns,). From the second row on, smooths the row before it: see newest().
  void add(const float* row);
  // Ends the contours.
  void end() { smooth(middle_.data()); }
  // The last smoothed row.
  const float* newest() const { return newest_.data(); }
  int rows() const { return rows_; }
  // Of all smoothed values of a column; with kSkipZeros of those that are not zero.
  Spread spread(int column) const;

 private:
  using Row = std::array<float, kColumns>;
  void smooth(const float* right);

  Row left_{}, middle_{}, newest_{};
  std::array<double, kColumns> sum_{}, squares_{};
  std::array<int, kColumns> nonzero_{};
  int rows_ = 0;
};

// Takes the frames of a window in order, oldest first, so that the work can be spread over time.
// For windows of up to `capacity` frames. Does not allocate after construction.
class Functionals {
 public:
  explicit Functionals(int capacity);

  void begin();
  void add(const EgemapsFrame& frame);
  // The same for the last frames of the window, whose pitch is not final.
  void add_unpitched(const EgemapsFrame& frame);
  int frames() const { return spectral_.rows(); }
  // Ends the window. out: kFunctionalCount finite values.
  void end(float* out);

 private:
  struct Contour {
    std::vector<float> values;
    int size = 0;
    void add(float value) { values[size++] = value; }
  };

  // Descriptors in one column each: spectral ones over all frames; pitch, and spectral ones over
  // voiced and over unvoiced frames.
  static constexpr int kSpectral = kF0;
  static constexpr int kPitched = kLldCount - kF0;
  static constexpr int kVoiced = kPitched, kUnvoiced = kVoiced + kSpectral - kAlphaRatio;
  static constexpr int kColumns = kUnvoiced + kMfcc - kAlphaRatio;

  void store_spectral();
  void store_pitched();
  // The ten functionals of F0 and loudness.
  void describe(const Contour& contour, const Spread& spread, float* out);
  void percentiles(const Contour& contour, float* out);
  void find_extrema(const Contour& contour);
  void slopes(const Contour& contour,
              float* out) const;  // rises, falls: mean and deviation of each
  template <typename Visitor>
  void slopes_of(const Contour& contour, bool rising, Visitor visit) const;
  int segment_end(int begin) const;
  void segments(float* out) const;

  struct Extremum {
    int position;
    bool high;
  };

  Contours<kSpectral, false> spectral_;
  Contours<kColumns, true> pitched_;
  Contour loudness_, pitch_;  // smoothed; pitch without zeros
  std::vector<char> voiced_;  // by frame
  double energy_ = 0;
  std::vector<float> sorted_;
  std::vector<Extremum> extrema_;
  int extrema_count_ = 0;
};

}  // namespace koemorph
