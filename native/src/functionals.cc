#include "functionals.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace koemorph {
namespace {

constexpr float kFrameStep = 0.01f;     // seconds
constexpr float kPeakThreshold = 0.1f;  // of the contour's range: what a peak must rise by
constexpr float kHigherPeak = 1.05f;    // that replaces the one before it
constexpr float kLevelFloor = 1e-30f;   // of the mean square: -300 dB

struct Spread {
  double mean = 0, deviation = 0;
};

// Of `count` numbers that next() gives.
template <typename Next>
Spread spread_of(int count, Next next) {
  Spread result;
  double sum = 0, squares = 0;
  for (int i = 0; i < count; ++i) {
    const double value = next(i);
    sum += value;
    squares += value * value;
  }
  if (count == 0) return result;
  result.mean = sum / count;
  result.deviation = std::sqrt(std::max(0.0, squares / count - result.mean * result.mean));
  return result;
}

}  // namespace

void smooth_contour(const float* values, int count, bool skip_zeros, float* out) {
  for (int i = 0; i < count; ++i) {
    const float middle = values[i];
    const float left = values[std::max(i - 1, 0)];
    const float right = values[std::min(i + 1, count - 1)];
    if (!skip_zeros) {
      out[i] = (left + middle + right) / 3.0f;
      continue;
    }
    const int used = (left != 0) + (middle != 0) + (right != 0);
    out[i] = middle == 0 ? 0.0f : (left + middle + right) / static_cast<float>(used);
  }
}

Functionals::Functionals(int capacity)
    : raw_(capacity),
      contour_(capacity),
      sorted_(capacity),
      extrema_(capacity),
      stretches_(capacity) {}

void Functionals::gather(const FrameRing& frames, int lld, int count, Select select,
                         bool skip_zeros) {
  for (int i = 0; i < count; ++i) {
    const EgemapsFrame& frame = frames[i];
    const bool voiced = frame.lld[kF0] > 0;
    const bool wanted = select == Select::kAll || voiced == (select == Select::kVoiced);
    raw_[i] = wanted ? frame.lld[lld] : 0.0f;
  }
  smooth_contour(raw_.data(), count, skip_zeros, contour_.data());
  size_ = count;
}

void Functionals::keep_nonzero() {
  const auto end = std::remove(contour_.begin(), contour_.begin() + size_, 0.0f);
  size_ = static_cast<int>(end - contour_.begin());
}

void Functionals::spread(float* out) {
  const Spread result = spread_of(size_, [this](int i) { return contour_[i]; });
  out[0] = static_cast<float>(result.mean);
  out[1] = result.mean != 0 ? static_cast<float>(result.deviation / result.mean) : 0.0f;
}

// Linear between the two nearest ranks.
float Functionals::percentile(double fraction) {
  if (size_ == 0) return 0;
  const double position = fraction * (size_ - 1);
  const auto rank = static_cast<int>(position);
  const auto share = static_cast<float>(position - rank);
  const auto begin = sorted_.begin(), end = sorted_.begin() + size_;
  std::nth_element(begin, begin + rank, end);
  const float low = sorted_[rank];
  if (rank + 1 >= size_) return low;
  const float high = *std::min_element(begin + rank + 1, end);
  return low + share * (high - low);
}

void Functionals::describe(float* out) {
  spread(out);
  std::copy(contour_.begin(), contour_.begin() + size_, sorted_.begin());
  out[2] = percentile(0.2);
  out[3] = percentile(0.5);
  out[4] = percentile(0.8);
  out[5] = out[4] - out[2];
  find_extrema();
  slopes(out + 6);
}

// Alternating lows and highs that differ by more than the threshold. A later low replaces the one
// before it when it is lower; a later high when it is 5 % higher, or higher after a rise past the
// threshold.
void Functionals::find_extrema() {
  extrema_count_ = 0;
  if (size_ == 0) return;
  const auto range = std::minmax_element(contour_.begin(), contour_.begin() + size_);
  const float threshold = kPeakThreshold * (*range.second - *range.first);
  float lowest = contour_[0], previous = contour_[0];
  for (int i = 1; i < size_ - 2; ++i) {
    const float value = contour_[i];
    const bool high = value > contour_[i - 1] && value > contour_[i + 1];
    const bool low = value < contour_[i - 1] && value < contour_[i + 1];
    if (!high && !low) continue;
    Extremum* last = extrema_count_ > 0 ? &extrema_[extrema_count_ - 1] : nullptr;
    bool accepted = false;
    if (last == nullptr) {
      accepted = high ? value - lowest > threshold : contour_[0] - value > threshold;
    } else if (last->high != high) {
      accepted = std::abs(value - last->value) > threshold;
    } else if (low ? value < last->value
                   : value > kHigherPeak * last->value ||
                         (value > last->value && value - previous > threshold)) {
      *last = {i, value, high};
    }
    if (accepted) extrema_[extrema_count_++] = {i, value, high};
    previous = value;
    lowest = std::min(lowest, value);
  }
}

template <typename Visit>
void Functionals::slopes_of(bool rising, Visit visit) const {
  Extremum from{0, size_ > 0 ? contour_[0] : 0.0f, false};
  for (int i = 0; i < extrema_count_; ++i) {
    const Extremum& to = extrema_[i];
    if (to.high == rising) {
      visit(std::abs(to.value - from.value) /
            (kFrameStep * static_cast<float>(to.position - from.position)));
    }
    from = to;
  }
}

// Steepness of the way to each high and to each low from what came before, the contour's start
// counting as the first and its end as the last. The way to the end keeps its sign and has no part
// in the deviation: the reference values of the set are defined so.
void Functionals::slopes(float* out) const {
  for (const bool rising : {true, false}) {
    double sum = 0;
    int count = 0;
    slopes_of(rising, [&](double slope) {
      sum += slope;
      ++count;
    });
    double last = 0;
    const bool ends_so = extrema_count_ > 0 && extrema_[extrema_count_ - 1].high != rising;
    const int position = ends_so ? extrema_[extrema_count_ - 1].position : 0;
    if (ends_so && size_ - 1 > position) {
      last = (contour_[size_ - 1] - extrema_[extrema_count_ - 1].value) /
             (kFrameStep * static_cast<float>(size_ - 1 - position));
      ++count;
    }
    double mean = count > 0 ? (sum + last) / count : 0.0;
    double squares = 0;
    slopes_of(rising, [&](double slope) { squares += (slope - mean) * (slope - mean); });
    if (extrema_count_ == 0 && size_ > 0) {
      const double whole = (contour_[size_ - 1] - contour_[0]) / static_cast<float>(size_);
      if (rising == (whole > 0)) mean = whole;
    }
    *out++ = static_cast<float>(mean);
    *out++ = count > 0 ? static_cast<float>(std::sqrt(squares / count)) : 0.0f;
  }
}

// Of voiced and unvoiced stretches: how many voiced a second, mean and deviation of the lengths of
// each. A single frame does not interrupt a stretch, and a stretch counts from three frames on. The
// last one, cut off by the window, counts from six frames on and is taken as shorter by what is not
// known of it.
void Functionals::segments(const FrameRing& frames, int count, float* out) {
  stretches_count_ = 0;
  for (int i = 0, end; i < count; i = end) {
    const bool voiced = frames[i].lld[kF0] > 0;
    for (end = i + 1; end < count && (frames[end].lld[kF0] > 0) == voiced;) ++end;
    Stretch* last = stretches_count_ > 0 ? &stretches_[stretches_count_ - 1] : nullptr;
    if (last != nullptr && (end - i == 1 || last->voiced == voiced)) {
      last->end = end;
    } else {
      stretches_[stretches_count_++] = {i, end, voiced};
    }
  }
  int duration = count - 1;  // frames
  Spread lengths[2];
  int voiced_count = 0;
  for (const bool voiced : {false, true}) {
    int used = 0;
    for (int i = 0; i < stretches_count_; ++i) {
      const Stretch& stretch = stretches_[i];
      if (stretch.voiced != voiced) continue;
      int length = stretch.end - stretch.begin - 1, least = 2;
      if (stretch.end == count) {
        length -= voiced ? 2 : 1;
        least = 4;
        duration = length < least ? stretch.begin : duration - (voiced ? 1 : 0);
      }
      if (length >= least) raw_[used++] = kFrameStep * static_cast<float>(length);
    }
    lengths[voiced] = spread_of(used, [this](int i) { return raw_[i]; });
    if (voiced) voiced_count = used;
  }
  const float seconds = kFrameStep * static_cast<float>(duration);
  out[0] = seconds > 0 ? static_cast<float>(voiced_count) / seconds : 0.0f;
  for (const bool voiced : {true, false}) {
    *++out = static_cast<float>(lengths[voiced].mean);
    *++out = static_cast<float>(lengths[voiced].deviation);
  }
}

void Functionals::compute(const FrameRing& spectral, int voiced, float* out) {
  const int all = spectral.count;
  gather(spectral, kF0, voiced, Select::kAll, true);
  keep_nonzero();
  describe(out);
  gather(spectral, kLoudness, all, Select::kAll, false);
  describe(out + 10);
  const auto peaks = std::count_if(extrema_.begin(), extrema_.begin() + extrema_count_,
                                   [](const Extremum& extremum) { return extremum.high; });
  float* next = out + 20;
  const auto mean_and_deviation = [&](int lld, int count, Select select, bool skip_zeros) {
    gather(spectral, lld, count, select, skip_zeros);
    if (skip_zeros) keep_nonzero();
    spread(next);
    next += 2;
  };
  for (int lld = kFlux; lld < kF0; ++lld) mean_and_deviation(lld, all, Select::kAll, false);
  for (int lld = kJitter; lld < kFormants; ++lld) {
    mean_and_deviation(lld, voiced, Select::kAll, true);
  }
  for (int formant = 0; formant < 3; ++formant) {
    const int lld = kFormants + 3 * formant;
    mean_and_deviation(lld, voiced, Select::kVoiced, true);
    mean_and_deviation(lld + 1, voiced, Select::kVoiced, true);
    mean_and_deviation(lld + 2, voiced, Select::kAll, true);
  }
  for (int lld = kAlphaRatio; lld < kF0; ++lld) {
    mean_and_deviation(lld, voiced, Select::kVoiced, true);
  }
  for (int lld = kAlphaRatio; lld < kMfcc; ++lld) {
    gather(spectral, lld, voiced, Select::kUnvoiced, true);
    keep_nonzero();
    *next++ = static_cast<float>(spread_of(size_, [this](int i) { return contour_[i]; }).mean);
  }
  *next++ = all > 0 ? static_cast<float>(peaks) / (kFrameStep * static_cast<float>(all)) : 0.0f;
  segments(spectral, voiced, next);
  next += 5;
  double energy = 0;
  for (int i = 0; i < all; ++i) energy += spectral[i].energy;
  const double mean_square = all > 0 ? energy / all : 0.0;
  *next = static_cast<float>(10.0 * std::log10(std::max(mean_square, double{kLevelFloor})));
}

}  // namespace koemorph
