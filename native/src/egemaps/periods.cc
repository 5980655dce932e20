#include "egemaps/periods.h"

#include <algorithm>
#include <cmath>

#include "egemaps/descriptors.h"
#include "util/dot.h"

namespace koemorph {
namespace {

constexpr float kSearch = 0.1f;          // search range, relative to the period, to either side
constexpr float kMinCorrelation = 0.5f;  // of two successive periods
constexpr int kMargin = 4;               // samples beyond two longest periods
constexpr int kTolerance = 2;            // samples, see PeriodTracker::measure

// Correlation coefficient of `lag` samples and the next `lag` samples, for increasing lags.
class LagCorrelation {
 public:
  LagCorrelation(const float* samples, int lag) : samples_(samples), lag_(lag) {
    for (int i = 0; i < lag; ++i) {
      first_.add(samples[i], 1);
      second_.add(samples[lag + i], 1);
    }
  }

  double value() const {
    const double common = dot(samples_, samples_ + lag_, lag_) - first_.sum * second_.sum / lag_;
    const double scale = (first_.squares - first_.sum * first_.sum / lag_) *
                         (second_.squares - second_.sum * second_.sum / lag_);
    return scale > 0 ? common / std::sqrt(scale) : 0.0;
  }

  void advance() {
    first_.add(samples_[lag_], 1);
    second_.add(samples_[lag_], -1);
    second_.add(samples_[2 * lag_], 1);
    second_.add(samples_[2 * lag_ + 1], 1);
    ++lag_;
  }

 private:
  struct Sums {
    double sum = 0, squares = 0;
    void add(double sample, int sign) {
      sum += sign * sample;
      squares += sign * sample * sample;
    }
  };

  const float* samples_;
  int lag_;
  Sums first_, second_;
};

struct Period {
  int lag = 0;
  float length = 0;  // the lag, interpolated; 0 without a clear period
};

// The period near `expected` samples: the highest maximum of the correlation within the search
// range.
Period find_period(const float* samples, float expected, int longest) {
  const auto shortest = static_cast<int>(expected * (1 - kSearch));
  Period best{static_cast<int>(std::lround(expected)), 0};
  double highest = -1;
  LagCorrelation correlation(samples, shortest);
  double left = correlation.value();
  correlation.advance();
  double middle = correlation.value();
  for (int lag = shortest + 1; lag < longest; ++lag) {
    correlation.advance();
    const double right = correlation.value();
    if (middle > left && middle >= right && middle > highest) {
      highest = middle;
      const double bend = left - 2.0 * middle + right;
      const double offset = 0.5 * (left - right) / bend;
      const bool clear = middle - 0.25 * (left - right) * offset >= kMinCorrelation;
      best = {lag, clear ? static_cast<float>(lag + offset) : 0.0f};
    }
    left = middle;
    middle = right;
  }
  return best;
}

// Peak-to-peak amplitude of `count` samples.
float peak_to_peak(const float* samples, int count) {
  float lowest = 0, highest = 0;
  bool falls = false, rises = false;
  for (int i = 1; i < count - 1; ++i) {
    const float left = samples[i - 1], middle = samples[i], right = samples[i + 1];
    if (middle >= left && middle >= right && (!rises || middle > highest)) {
      highest = middle;
      rises = true;
    }
    if (middle <= left && middle <= right && (!falls || middle < lowest)) {
      lowest = middle;
      falls = true;
    }
  }
  const auto range = std::minmax_element(samples, samples + count);
  return (rises ? highest : *range.second) - (falls ? lowest : *range.first);
}

}  // namespace

PeriodDescriptors PeriodTracker::measure(const Waveform& wave, int64_t start, int step, float f0) {
  if (!(f0 > 0)) {
    reset();
    return {};
  }
  const float expected = static_cast<float>(kEgemapsSampleRate) / f0;
  const auto longest = static_cast<int>(expected * (1 + kSearch));
  if (next_ < wave.begin) next_ = start;
  float lengths = 0, length_changes = 0, amplitudes = 0, amplitude_changes = 0;
  int periods = 0, changes = 0;
  int64_t at = next_, last;
  do {
    if (at + 2 * longest > wave.end) return last_;
    const float* samples = wave.samples + (at - wave.begin);
    const Period period = find_period(samples, expected, longest);
    if (period.length > 0) {
      if (last_length_ > 0) {
        length_changes += std::abs(period.length - last_length_);
        ++changes;
      }
      last_length_ = period.length;
      lengths += period.length;
      ++periods;
      const float amplitude = peak_to_peak(samples, period.lag);
      const float next_amplitude = peak_to_peak(samples + period.lag, period.lag);
      amplitude_changes += std::abs(amplitude - next_amplitude);
      amplitudes += 0.5f * (amplitude + next_amplitude);
    }
    last = at;
    at += period.lag;
  } while (at + 2 * longest + kMargin <= start + step);
  // A period that extends into the next frame is measured there again.
  next_ = at <= start + step - kTolerance ? at : last;
  if (changes > 0) {
    const auto count = static_cast<float>(changes);
    last_.jitter = length_changes / count * static_cast<float>(periods) / lengths;
  }
  if (amplitudes > 0) last_.shimmer = 20.0f * std::log10(1.0f + amplitude_changes / amplitudes);
  return last_;
}

}  // namespace koemorph
