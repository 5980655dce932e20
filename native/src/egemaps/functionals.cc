#include "egemaps/functionals.h"

#include <algorithm>
#include <cmath>

#include "util/multiversion.h"

namespace koemorph {
namespace {

constexpr float kFrameStep = 0.01f;  // seconds
constexpr float kPeakThreshold =
    0.1f;  // minimum rise of a peak, relative to the range of the contour
constexpr float kHigherPeak = 1.05f;        // ratio above which a peak replaces its predecessor
constexpr float kMeanSquareFloor = 1e-30f;  // lower limit of the mean square: -300 dB

Spread spread_from(double sum, double squares, int count) {
  const double mean = sum / count;
  return {mean, std::sqrt(std::max(0.0, squares / count - mean * mean))};
}

// Running sums of a sequence.
struct Sums {
  double sum = 0, squares = 0;
  int count = 0;

  void add(double value) {
    sum += value;
    squares += value * value;
    ++count;
  }
  Spread spread() const { return count > 0 ? spread_from(sum, squares, count) : Spread{}; }
};

void write_spread(const Spread& spread, float* out) {
  out[0] = static_cast<float>(spread.mean);
  out[1] = spread.mean != 0 ? static_cast<float>(spread.deviation / spread.mean) : 0.0f;
}

// Smooths a row with its neighbors and adds it to the sums of each column.
KOEMORPH_MULTIVERSION
void smooth_row(const float* __restrict left, const float* __restrict middle,
                const float* __restrict right, int columns, bool skip_zeros, float* __restrict out,
                double* __restrict sum, double* __restrict squares, int* __restrict nonzero) {
  if (skip_zeros) {
    for (int i = 0; i < columns; ++i) out[i] = smooth_value(left[i], middle[i], right[i], true);
  } else {
    for (int i = 0; i < columns; ++i) out[i] = smooth_value(left[i], middle[i], right[i], false);
  }
  for (int i = 0; i < columns; ++i) {
    const double value = out[i];
    sum[i] += value;
    squares[i] += value * value;
  }
  for (int i = 0; i < columns; ++i) nonzero[i] += out[i] != 0 ? 1 : 0;
}

}  // namespace

template <int kColumns, bool kSkipZeros>
void Contours<kColumns, kSkipZeros>::add(const float* row) {
  if (rows_ > 0) smooth(row);
  left_ = middle_;
  std::copy_n(row, kColumns, middle_.begin());
  if (rows_ == 0) left_ = middle_;
  ++rows_;
}

template <int kColumns, bool kSkipZeros>
void Contours<kColumns, kSkipZeros>::smooth(const float* right) {
  smooth_row(left_.data(), middle_.data(), right, kColumns, kSkipZeros, newest_.data(), sum_.data(),
             squares_.data(), nonzero_.data());
}

template <int kColumns, bool kSkipZeros>
Spread Contours<kColumns, kSkipZeros>::spread(int column) const {
  const int count = kSkipZeros ? nonzero_[column] : rows_;
  return count > 0 ? spread_from(sum_[column], squares_[column], count) : Spread{};
}

Functionals::Functionals(int capacity) : voiced_(capacity), sorted_(capacity), extrema_(capacity) {
  loudness_.values.resize(capacity);
  pitch_.values.resize(capacity);
}

void Functionals::begin() {
  spectral_.begin();
  pitched_.begin();
  loudness_.size = pitch_.size = 0;
  energy_ = 0;
}

void Functionals::add_unpitched(const EgemapsFrame& frame) {
  spectral_.add(frame.lld.data());
  energy_ += frame.energy;
  if (spectral_.rows() > 1) store_spectral();
}

void Functionals::add(const EgemapsFrame& frame) {
  const float* lld = frame.lld.data();
  const bool voiced = lld[kF0] > 0;
  std::array<float, kColumns> row;
  std::copy_n(lld + kF0, kPitched, row.begin());
  for (int i = kFormants; i < kLldCount; i += 3) {
    if (!voiced) row[i - kF0] = row[i + 1 - kF0] = 0;  // frequency and bandwidth
  }
  for (int i = kAlphaRatio; i < kF0; ++i) row[kVoiced + i - kAlphaRatio] = voiced ? lld[i] : 0.0f;
  for (int i = kAlphaRatio; i < kMfcc; ++i) {
    row[kUnvoiced + i - kAlphaRatio] = voiced ? 0.0f : lld[i];
  }
  voiced_[pitched_.rows()] = voiced;
  pitched_.add(row.data());
  if (pitched_.rows() > 1) store_pitched();
  add_unpitched(frame);
}

void Functionals::store_spectral() { loudness_.add(spectral_.newest()[kLoudness]); }

void Functionals::store_pitched() {
  if (pitched_.newest()[0] != 0) pitch_.add(pitched_.newest()[0]);
}

// Percentiles 20, 50 and 80 with linear interpolation, and the range from 20 to 80.
void Functionals::percentiles(const Contour& contour, float* out) {
  const auto end = std::copy_n(contour.values.begin(), contour.size, sorted_.begin());
  auto begin = sorted_.begin();  // elements before it are smaller, unordered
  for (const double fraction : {0.2, 0.5, 0.8}) {
    *out = 0;
    if (contour.size > 0) {
      const double position = fraction * (contour.size - 1);
      const auto at = sorted_.begin() + static_cast<int>(position);
      const auto fraction_above = static_cast<float>(position - static_cast<int>(position));
      std::nth_element(begin, at, end);
      *out = *at;
      if (at + 1 < end) *out += fraction_above * (*std::min_element(at + 1, end) - *at);
      begin = at;
    }
    ++out;
  }
  *out = out[-1] - out[-3];
}

void Functionals::describe(const Contour& contour, const Spread& spread, float* out) {
  write_spread(spread, out);
  percentiles(contour, out + 2);
  find_extrema(contour);
  slopes(contour, out + 6);
}

// Alternating minima and maxima that differ by more than the threshold. A later minimum replaces
// its predecessor when it is lower; a later maximum when it is 5 % higher, or higher after a rise
// above the threshold.
void Functionals::find_extrema(const Contour& contour) {
  extrema_count_ = 0;
  if (contour.size == 0) return;
  const float* values = contour.values.data();
  const auto range = std::minmax_element(values, values + contour.size);
  const float threshold = kPeakThreshold * (*range.second - *range.first);
  float lowest = values[0], previous = values[0];
  for (int i = 1; i < contour.size - 2; ++i) {
    const float value = values[i];
    const bool high = value > values[i - 1] && value > values[i + 1];
    const bool low = value < values[i - 1] && value < values[i + 1];
    if (!high && !low) continue;
    Extremum* last = extrema_count_ > 0 ? &extrema_[extrema_count_ - 1] : nullptr;
    const float last_value = last != nullptr ? values[last->position] : 0.0f;
    bool accepted = false;
    if (last == nullptr) {
      accepted = high ? value - lowest > threshold : values[0] - value > threshold;
    } else if (last->high != high) {
      accepted = std::abs(value - last_value) > threshold;
    } else if (low ? value < last_value
                   : value > kHigherPeak * last_value ||
                         (value > last_value && value - previous > threshold)) {
      last->position = i;
    }
    if (accepted) extrema_[extrema_count_++] = {i, high};
    previous = value;
    lowest = std::min(lowest, value);
  }
}

template <typename Visitor>
void Functionals::slopes_of(const Contour& contour, bool rising, Visitor visit) const {
  int from = 0;
  for (int i = 0; i < extrema_count_; ++i) {
    const int to = extrema_[i].position;
    if (extrema_[i].high == rising) {
      visit(std::abs(contour.values[to] - contour.values[from]) /
            (kFrameStep * static_cast<float>(to - from)));
    }
    from = to;
  }
}

// Slopes to each maximum and minimum from its predecessor; the start and end of the contour count
// as extrema. As in the eGeMAPS reference, the last slope keeps its sign and is excluded from the
// standard deviation.
void Functionals::slopes(const Contour& contour, float* out) const {
  const int size = contour.size;
  const float* values = contour.values.data();
  for (const bool rising : {true, false}) {
    double sum = 0;
    int count = 0;
    slopes_of(contour, rising, [&](double slope) {
      sum += slope;
      ++count;
    });
    double last = 0;
    const bool ends_in_direction =
        extrema_count_ > 0 && extrema_[extrema_count_ - 1].high != rising;
    const int position = ends_in_direction ? extrema_[extrema_count_ - 1].position : 0;
    if (ends_in_direction && size - 1 > position) {
      last = (values[size - 1] - values[position]) /
             (kFrameStep * static_cast<float>(size - 1 - position));
      ++count;
    }
    double mean = count > 0 ? (sum + last) / count : 0.0;
    double squares = 0;
    slopes_of(contour, rising, [&](double slope) { squares += (slope - mean) * (slope - mean); });
    if (extrema_count_ == 0 && size > 0) {
      const double whole = (values[size - 1] - values[0]) / static_cast<float>(size);
      if (rising == (whole > 0)) mean = whole;
    }
    *out++ = static_cast<float>(mean);
    *out++ = count > 0 ? static_cast<float>(std::sqrt(squares / count)) : 0.0f;
  }
}

// End of a voiced or unvoiced segment: two frames of the other kind end it, a single one does not.
int Functionals::segment_end(int begin) const {
  const int count = pitched_.rows();
  const auto other = [&](int i) { return i < count && voiced_[i] != voiced_[begin]; };
  int end = begin + 1;
  while (end < count && !(other(end) && other(end + 1))) ++end;
  return end;
}

// Voiced segments per second, and mean and standard deviation of the lengths of voiced and unvoiced
// segments. Segments have at least three frames. The last one, cut off by the window, needs six
// frames and counts as shorter by the frames that are not final.
void Functionals::segments(float* out) const {
  const int count = pitched_.rows();
  int duration = count - 1;  // frames
  Sums lengths[2];           // of unvoiced and voiced segments, seconds
  for (int begin = 0, end; begin < count; begin = end) {
    end = segment_end(begin);
    const bool voiced = voiced_[begin] != 0;
    int length = end - begin - 1, min_length = 2;
    if (end == count) {
      length -= voiced ? 2 : 1;
      min_length = 4;
      duration = length < min_length ? begin : duration - (voiced ? 1 : 0);
    }
    if (length >= min_length) lengths[voiced].add(kFrameStep * static_cast<float>(length));
  }
  const float seconds = kFrameStep * static_cast<float>(duration);
  out[0] = seconds > 0 ? static_cast<float>(lengths[true].count) / seconds : 0.0f;
  for (const bool voiced : {true, false}) {
    const Spread spread = lengths[voiced].spread();
    *++out = static_cast<float>(spread.mean);
    *++out = static_cast<float>(spread.deviation);
  }
}

void Functionals::end(float* out) {
  if (spectral_.rows() > 0) {
    spectral_.end();
    store_spectral();
  }
  if (pitched_.rows() > 0) {
    pitched_.end();
    store_pitched();
  }
  describe(pitch_, pitched_.spread(0), out);
  describe(loudness_, spectral_.spread(kLoudness), out + 10);
  const auto peaks = std::count_if(extrema_.begin(), extrema_.begin() + extrema_count_,
                                   [](const Extremum& extremum) { return extremum.high; });
  float* next = out + 20;
  const auto write = [&next](const Spread& spread) {
    write_spread(spread, next);
    next += 2;
  };
  for (int lld = kFlux; lld < kF0; ++lld) write(spectral_.spread(lld));
  for (int column = kJitter - kF0; column < kUnvoiced; ++column) write(pitched_.spread(column));
  for (int column = kUnvoiced; column < kColumns; ++column) {
    *next++ = static_cast<float>(pitched_.spread(column).mean);
  }
  const int all = spectral_.rows();
  *next++ = all > 0 ? static_cast<float>(peaks) / (kFrameStep * static_cast<float>(all)) : 0.0f;
  segments(next);
  next += 5;
  const double mean_square = all > 0 ? energy_ / all : 0.0;
  *next = static_cast<float>(10.0 * std::log10(std::max(mean_square, double{kMeanSquareFloor})));
}

}  // namespace koemorph
