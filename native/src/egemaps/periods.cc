#include "egemaps/periods.h"

#include <algorithm>
#include <cmath>

#include "util/dot.h"

namespace koemorph {
namespace {

constexpr float kSampleRate = 16000.0f;
constexpr float kSearch = 0.1f;          // search range, relative to the period, to either side
constexpr float kMinCorrelation = 0.5f;  // of two successive periods
constexpr int kMargin = 4;               // samples beyond two longest periods
constexpr int kTolerance = 2;            // samples, see PeriodTracker::measure

// Correlation coefficient of `lag` samples and the next `lag` samples, for increasing lags.
class Resemblance {
 public:
  Resemblance(const float* samples, int lag) : samples_(samples), lag_(lag) {
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

struct Match {
  int lag = 0;
  float length = 0;  // the lag, interpolated; 0 without a clear period
};

// The period near `expected` samples: the highest maximum of the correlation within the search
// range.
Match find_repeat(const float* samples, float expected, int longest) {
  const auto shortest = static_cast<int>(expected * (1 - kSearch));
  Match best{static_cast<int>(std::lround(expected)), 0};
  double highest = -1;
  Resemblance resemblance(samples, shortest);
  double left = resemblance.value();
  resemblance.advance();
  double middle = resemblance.value();
  for (int lag = shortest + 1; lag < longest; ++lag) {
    resemblance.advance();
    const double right = resemblance.value();
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
float height(const float* samples, int count) {
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
  const float expected = kSampleRate / f0;
  const auto longest = static_cast<int>(expected * (1 + kSearch));
  if (next_ < wave.begin) next_ = start;
  float lengths = 0, length_changes = 0, heights = 0, height_changes = 0;
  int periods = 0, changes = 0;
  int64_t at = next_, last;
  do {
    if (at + 2 * longest > wave.end) return kept_;
    const float* samples = wave.samples + (at - wave.begin);
    const Match match = find_repeat(samples, expected, longest);
    if (match.length > 0) {
      if (last_length_ > 0) {
        length_changes += std::abs(match.length - last_length_);
        ++changes;
      }
      last_length_ = match.length;
      lengths += match.length;
      ++periods;
      const float now = height(samples, match.lag);
      const float then = height(samples + match.lag, match.lag);
      height_changes += std::abs(now - then);
      heights += 0.5f * (now + then);
    }
    last = at;
    at += match.lag;
  } while (at + 2 * longest + kMargin <= start + step);
  // A period that extends into the next frame is measured there again.
  next_ = at <= start + step - kTolerance ? at : last;
  if (changes > 0) {
    const auto count = static_cast<float>(changes);
    kept_.jitter = length_changes / count * static_cast<float>(periods) / lengths;
  }
  if (heights > 0) kept_.shimmer = 20.0f * std::log10(1.0f + height_changes / heights);
  return kept_;
}

}  // namespace koemorph
