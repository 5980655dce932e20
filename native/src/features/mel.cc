#include "features/mel.h"

#include <algorithm>
#include <cmath>

#include "util/dot.h"
#include "util/math.h"
#include "util/shared.h"

namespace koemorph {
namespace {

// Slaney's scale: 3 mel per 200 Hz up to 1 kHz, then 27 mel per factor of 6.4.
constexpr double kHzPerMel = 200.0 / 3.0;
constexpr double kBreakHz = 1000.0;
constexpr double kBreakMel = kBreakHz / kHzPerMel;
const double kLogStep = std::log(6.4) / 27.0;

double hz_to_mel(double hz) {
  return hz < kBreakHz ? hz / kHzPerMel : kBreakMel + std::log(hz / kBreakHz) / kLogStep;
}

double mel_to_hz(double mel) {
  return mel < kBreakMel ? mel * kHzPerMel : kBreakHz * std::exp(kLogStep * (mel - kBreakMel));
}

}  // namespace

MelSpectrum::Table::Table(const Shape& shape) {
  const auto [sample_rate, window, band_count, low_hz, high_hz] = shape;
  // A periodic Hann window sums to half its length.
  for (int i = 0; i < window; ++i) {
    const double height = 0.5 - 0.5 * std::cos(2.0 * kPi * i / window);
    hann.push_back(static_cast<float>(height / (0.5 * window)));
  }
  const double low = hz_to_mel(low_hz);
  const double step = (hz_to_mel(high_hz) - low) / (band_count + 1);
  const double hz_per_bin = static_cast<double>(sample_rate) / window;
  for (int band = 0; band < band_count; ++band) {
    const double left = mel_to_hz(low + step * band);
    const double peak = mel_to_hz(low + step * (band + 1));
    const double right = mel_to_hz(low + step * (band + 2));
    Band entry{0, static_cast<int>(weights.size()), 0};
    for (int bin = 0; bin <= window / 2; ++bin) {
      const double hz = bin * hz_per_bin;
      const double weight = std::min((hz - left) / (peak - left), (right - hz) / (right - peak));
      if (weight <= 0.0) continue;
      if (entry.bins == 0) entry.first_bin = bin;
      ++entry.bins;
      weights.push_back(static_cast<float>(weight));
    }
    bands.push_back(entry);
  }
}

MelSpectrum::MelSpectrum(const MelConfig& config, int window)
    : floor_(config.floor),
      offset_(config.offset),
      scale_(config.scale),
      fft_(window),
      table_(shared_table<Table>(
          Shape(config.clock.sample_rate, window, config.bands, config.low_hz, config.high_hz))),
      windowed_(window),
      power_(fft_.bins()),
      spectrum_(fft_.bins()) {}

void MelSpectrum::compute(const float* samples, float* out) {
  const std::vector<float>& hann = table_->hann;
  for (size_t i = 0; i < hann.size(); ++i) windowed_[i] = hann[i] * samples[i];
  fft_.forward(windowed_.data(), spectrum_.data());
  for (size_t bin = 0; bin < power_.size(); ++bin) {
    const float re = spectrum_[bin].real();
    const float im = spectrum_[bin].imag();
    power_[bin] = re * re + im * im;
  }
  for (size_t band = 0; band < table_->bands.size(); ++band) {
    const Band& entry = table_->bands[band];
    const float power =
        dot(power_.data() + entry.first_bin, table_->weights.data() + entry.weights_at, entry.bins);
    out[band] = (std::log10(std::max(power, floor_)) + offset_) * scale_;
  }
}

Mel::Mel(const MelConfig& config)
    : config_(config),
      long_(config, config.window),
      short_(config, config.detail_window),
      history_size_(std::max(
          config.window, config.detail_window + (config.detail_frames - 1) * config.detail_hop)),
      history_(2 * static_cast<size_t>(history_size_)),
      frame_(config.bands),
      detail_(static_cast<size_t>(config.detail_frames) * config.bands) {}

void Mel::reset(int64_t at_sample) {
  std::fill(history_.begin(), history_.end(), 0.0f);
  history_at_ = 0;
  taken_ = at_sample;
  index_ = 0;
  if (at_sample == 0) return;
  // The first frame that ends at or after this sample.
  index_ = std::max<int64_t>(0, at_sample * config_.clock.fps / config_.clock.sample_rate -
                                    config_.clock.lookahead_frames - 1);
  while (config_.clock.end_sample(index_) < at_sample) ++index_;
}

int Mel::push(const float* samples, int count) {
  const int64_t wanted = config_.clock.end_sample(index_) - taken_;
  const int take = static_cast<int>(std::min<int64_t>(count, wanted));
  for (int i = 0; i < take; ++i) {
    history_[history_at_] = samples[i];
    history_[history_at_ + history_size_] = samples[i];
    history_at_ = history_at_ + 1 == history_size_ ? 0 : history_at_ + 1;
  }
  taken_ += take;
  return take;
}

const float* Mel::newest(int count) const {
  return history_.data() + history_at_ + history_size_ - count;
}

const float* Mel::frame() {
  long_.compute(newest(config_.window), frame_.data());
  return frame_.data();
}

const float* Mel::detail() {
  for (int i = 0; i < config_.detail_frames; ++i) {
    const int back = (config_.detail_frames - 1 - i) * config_.detail_hop;
    short_.compute(newest(config_.detail_window + back), detail_.data() + i * config_.bands);
  }
  return detail_.data();
}

}  // namespace koemorph
