#include "audio/resampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "util/dot.h"
#include "util/math.h"
#include "util/shared.h"

namespace koemorph {
namespace {

constexpr int kZeroCrossings = 64;  // per side, at the lower of the two rates: 4 ms at 16 kHz
constexpr double kStopBandDb = 92.0;
constexpr int kMaxPhases = 512;  // error of linear interpolation between phases: -100 dB

double bessel_i0(double x) {
  double term = 1.0;
  double sum = 1.0;
  for (int k = 1; term > 1e-12 * sum; ++k) {
    term *= (x / (2.0 * k)) * (x / (2.0 * k));
    sum += term;
  }
  return sum;
}

// The windowed sinc at `position` samples of the lower rate from its center; unit gain at DC.
double prototype(double position) {
  const double beta = 0.1102 * (kStopBandDb - 8.7);
  // Width of the transition band in cycles per sample; it ends at the Nyquist frequency.
  const double transition = (kStopBandDb - 8.0) / (2.285 * 2.0 * kPi * 2.0 * kZeroCrossings);
  const double cutoff = 0.5 - transition / 2.0;
  const double relative = position / kZeroCrossings;
  if (std::abs(relative) >= 1.0) return 0.0;
  const double window = bessel_i0(beta * std::sqrt(1.0 - relative * relative)) / bessel_i0(beta);
  const double angle = 2.0 * kPi * cutoff * position;
  return window * 2.0 * cutoff * (position == 0.0 ? 1.0 : std::sin(angle) / angle);
}

}  // namespace

Resampler::Table::Table(std::pair<int, int> rates) {
  const auto [in_rate, out_rate] = rates;
  const double scale = std::min(1.0, static_cast<double>(out_rate) / in_rate);
  taps = 2 * static_cast<int>(std::ceil(kZeroCrossings / scale));
  // A filter that is longer in input samples needs fewer phases for the same error.
  const int enough = std::max(32, static_cast<int>(kMaxPhases * scale));
  phases = std::min(out_rate / std::gcd(in_rate, out_rate), enough);
  rows.reserve(static_cast<size_t>(phases + 1) * taps);
  for (int phase = 0; phase <= phases; ++phase) {
    for (int tap = 0; tap < taps; ++tap) {
      const double distance = tap - (taps / 2 - 1) - static_cast<double>(phase) / phases;
      rows.push_back(static_cast<float>(scale * prototype(distance * scale)));
    }
  }
}

Resampler::Resampler(int in_rate, int out_rate)
    : in_rate_(in_rate),
      out_rate_(out_rate),
      table_(shared_table<Table>(std::pair(in_rate, out_rate))),
      taps_(table_->taps),
      history_(2 * static_cast<size_t>(taps_)) {
  const int64_t common = std::gcd(in_rate, out_rate);
  step_in_ = in_rate / common;
  step_out_ = out_rate / common;
  reset();
}

void Resampler::reset() {
  std::fill(history_.begin(), history_.end(), 0.0f);
  history_at_ = 0;
  missing_ = taps_ / 2 + 1;
  remainder_ = 0;
}

double Resampler::latency() const {
  return is_copy() ? 0.0 : static_cast<double>(taps_ / 2) / in_rate_;
}

int Resampler::max_output(int count) const {
  return static_cast<int>((count + 1) * step_out_ / step_in_) + 1;
}

float Resampler::output() const {
  const float* window = history_.data() + history_at_;
  // Without interpolation when every output phase has its own row.
  const int phases = table_->phases;
  const int64_t scaled = phases == step_out_ ? remainder_ : remainder_ * phases / step_out_;
  const float* coefficients = table_->rows.data() + scaled * taps_;
  const float current = dot(window, coefficients, taps_);
  const int64_t between = phases == step_out_ ? 0 : remainder_ * phases % step_out_;
  if (between == 0) return current;
  const float next = dot(window, coefficients + taps_, taps_);
  return current +
         static_cast<float>(static_cast<double>(between) / static_cast<double>(step_out_)) *
             (next - current);
}

// The next output is step_in / step_out input samples later.
void Resampler::next_output() {
  remainder_ += step_in_;
  missing_ += static_cast<int>(remainder_ / step_out_);
  remainder_ %= step_out_;
}

void Resampler::store(const float* in, int count) {
  for (int done = 0; done < count;) {
    const int run = std::min(count - done, taps_ - history_at_);
    std::copy_n(in + done, run, history_.data() + history_at_);
    std::copy_n(in + done, run, history_.data() + history_at_ + taps_);
    history_at_ = (history_at_ + run) % taps_;
    done += run;
  }
}

int Resampler::push(const float* in, int count, float* out) {
  if (is_copy()) {
    store(in, count);
    std::copy_n(in, count, out);
    return count;
  }
  int written = 0;
  for (int taken = 0; taken < count;) {
    const int run = std::min(count - taken, missing_);
    store(in + taken, run);
    taken += run;
    missing_ -= run;
    for (; missing_ == 0; next_output()) out[written++] = output();
  }
  return written;
}

}  // namespace koemorph
