#include "egemaps/egemaps.h"

#include <algorithm>
#include <cmath>

#include "audio/sanitize.h"

namespace koemorph {
namespace {

constexpr double kFramesPerSecond = 100.0;
constexpr int kMinInputFrames = 200;
constexpr float kSilence = 0.001f;        // RMS below which a frame is unvoiced
constexpr float kPitchReference = 27.5f;  // Hz, semitone 0

int to_frames(double seconds) { return static_cast<int>(std::lround(seconds * kFramesPerSecond)); }

}  // namespace

int64_t EgemapsConfig::first_valid_update() const {
  const int interval = to_frames(update_interval);
  const int min_frames = std::min(kMinInputFrames, to_frames(context_window));
  return (min_frames + interval - 1) / interval - 1;  // update k covers k + 1 intervals
}

Status EgemapsStream::check(const EgemapsConfig& config) {
  const auto is_step = [](double seconds) {
    const double frames = seconds * kFramesPerSecond;
    return std::isfinite(frames) && frames >= 1 && std::abs(frames - std::round(frames)) < 1e-6;
  };
  if (config.sample_rate != 16000)
    return {KOEMORPH_INVALID_ARGUMENT, "eGeMAPS needs audio at 16000 Hz, got " +
                                           std::to_string(config.sample_rate) +
                                           " Hz. Resample it first."};
  if (!is_step(config.context_window) || config.context_window < 0.1) {
    return {KOEMORPH_INVALID_ARGUMENT,
            "eGeMAPS context_window must be a multiple of 0.01 s and at least 0.1 s."};
  }
  if (!is_step(config.update_interval)) {
    return {KOEMORPH_INVALID_ARGUMENT, "eGeMAPS update_interval must be a multiple of 0.01 s."};
  }
  if (config.window_intervals.empty()) {
    return {KOEMORPH_INVALID_ARGUMENT,
            "eGeMAPS window_intervals must contain at least one age, such as 0."};
  }
  for (const double age : config.window_intervals) {
    const double updates = age / config.update_interval;
    if (!(age >= 0 && updates < 1e6) || std::abs(updates - std::round(updates)) > 1e-6) {
      return {KOEMORPH_INVALID_ARGUMENT,
              "eGeMAPS window_intervals must be multiples of the update_interval."};
    }
  }
  return {};
}

EgemapsStream::EgemapsStream(const EgemapsConfig& config)
    : config_(config),
      context_(to_frames(config.context_window)),
      interval_(to_frames(config.update_interval) * kStep),
      first_valid_update_(config.first_valid_update()),
      capacity_(context_ + kPending),
      functionals_(context_),
      frames_(capacity_),
      pending_(kPending),
      magnitudes_(static_cast<size_t>(kNotFinal) * PitchAnalyzer::kBins),
      audio_(kAudio, 1, 0.0f) {
  int oldest = 0;
  for (const double age : config.window_intervals) {
    ages_.push_back(static_cast<int>(std::lround(age / config.update_interval)));
    oldest = std::max(oldest, ages_.back());
  }
  history_.resize(static_cast<size_t>(oldest + 1) * kFunctionalCount);
  windows_.resize(ages_.size() * kFunctionalCount);
}

void EgemapsStream::reset() {
  spectrum_.reset();
  tracker_.reset();
  audio_.reset();
  std::fill(history_.begin(), history_.end(), 0.0f);
  std::fill(windows_.begin(), windows_.end(), 0.0f);
  samples_ = updates_ = spectral_count_ = pitch_count_ = 0;
  summed_ = -1;
}

int EgemapsStream::push(const float* samples, int count) {
  for (int taken = 0; taken < count;) {
    const int to_step = kStep - static_cast<int>(samples_ % kStep);
    const int run = std::min(count - taken, to_step);
    store(samples + taken, run);
    taken += run;
    if (run < to_step) break;
    if (samples_ >= SpectrumAnalyzer::kFrame) analyze_spectrum();
    if (samples_ >= PitchAnalyzer::kFrame) analyze_pitch();
    sum_final_frames();
    if (samples_ % interval_ == 0) {
      update();
      return taken;
    }
  }
  return count;
}

void EgemapsStream::store(const float* samples, int count) {
  for (int i = 0; i < count; ++i) {
    const float sample = sanitize(samples[i]);
    audio_.push(&sample);
  }
  samples_ += count;
}

const float* EgemapsStream::newest(int count) const {
  return audio_.data() + audio_.size() - count;
}

void EgemapsStream::analyze_spectrum() {
  const int64_t index = spectral_count_++;
  const SpectralDescriptors spectral = spectrum_.analyze(newest(SpectrumAnalyzer::kFrame));
  const Formants formants = formants_.analyze(spectrum_.transform());
  EgemapsFrame& out = frame(index);
  out.lld.fill(0);
  out.lld[kLoudness] = spectral.loudness;
  out.lld[kAlphaRatio] = spectral.alpha_ratio;
  out.lld[kHammarberg] = spectral.hammarberg_index;
  out.lld[kSlope0] = spectral.slope_0_500;
  out.lld[kSlope500] = spectral.slope_500_1500;
  out.lld[kFlux] = spectral.flux;
  std::copy(spectral.mfcc.begin(), spectral.mfcc.end(), &out.lld[kMfcc]);
  for (int i = 0; i < 3; ++i) {
    out.lld[kFormants + 3 * i] = formants.frequency[i];
    out.lld[kFormants + 3 * i + 1] = formants.bandwidth[i];
  }
  out.energy = spectral.energy;
  pending(index) = {formants, 0.0f, false, false, {}};
}

void EgemapsStream::analyze_pitch() {
  const int64_t index = pitch_count_++;
  const PitchCandidates candidates = pitch_.analyze(newest(PitchAnalyzer::kFrame));
  std::copy_n(pitch_.magnitude(), PitchAnalyzer::kBins, magnitude(index));
  pending(index).silent = candidates.energy <= kSilence;
  tracker_.push(candidates);
  update_pitch();
}

// Updates the descriptors that depend on pitch, which may still change for the newest
// PitchTracker::kLag frames.
void EgemapsStream::update_pitch() {
  tracker_.trace();
  bool changed = false;  // the period tracker continues from a different position
  for (int age = tracker_.valid() - 1; age >= 0; --age) {
    const int64_t index = pitch_count_ - 1 - age;
    Pending& state = pending(index);
    const float f0 = state.silent ? 0.0f : tracker_.frequency(age);
    if (state.described && state.f0 == f0 && !changed) continue;
    const PeriodTracker before = state.periods;
    describe(index, f0);
    changed = !(state.periods == before);
  }
}

void EgemapsStream::describe(int64_t index, float f0) {
  Pending& state = pending(index);
  EgemapsFrame& out = frame(index);
  const int64_t begin = std::max<int64_t>(0, samples_ - kAudio);
  const PeriodTracker::Waveform wave = {newest(static_cast<int>(samples_ - begin)), begin,
                                        samples_};
  state.periods = index > 0 ? pending(index - 1).periods : PeriodTracker();
  const PeriodDescriptors periods = state.periods.measure(wave, index * kStep, kStep, f0);
  out.lld[kJitter] = periods.jitter;
  out.lld[kShimmer] = periods.shimmer;
  if (state.described && state.f0 == f0) return;
  state.described = true;
  state.f0 = f0;
  const HarmonicDescriptors harmonics = harmonics_.analyze(magnitude(index), f0, state.formants);
  out.lld[kF0] = f0 > 0 ? 12.0f * std::log2(f0 / kPitchReference) : 0.0f;
  out.lld[kHnr] = harmonics.hnr;
  out.lld[kH1H2] = harmonics.h1_h2;
  out.lld[kH1A3] = harmonics.h1_a3;
  for (int i = 0; i < 3; ++i) out.lld[kFormants + 3 * i + 2] = harmonics.amplitude[i];
}

EgemapsStream::Span EgemapsStream::span_at(int64_t samples) const {
  const auto frames = [samples](int length) {
    return std::max<int64_t>(0, (samples - length) / kStep + 1);
  };
  const int64_t end = samples < SpectrumAnalyzer::kFrame ? 0 : frames(SpectrumAnalyzer::kFrame);
  const int64_t pitched = samples < PitchAnalyzer::kFrame ? 0 : frames(PitchAnalyzer::kFrame);
  const int64_t first =
      std::max<int64_t>(0, end - (context_ - SpectrumAnalyzer::kFrame / kStep + 1));
  return {first, std::max(first, pitched), end};
}

// Part of the next update's work for this step: the frames with final pitch are spread evenly over
// the remaining steps.
void EgemapsStream::sum_final_frames() {
  const int64_t due = (updates_ + 1) * interval_;
  const Span span = span_at(due);
  if (summed_ != span.first) {
    functionals_.begin();
    summed_ = span.first;
  }
  const int64_t next = span.first + functionals_.frames();
  const int64_t left = std::max<int64_t>(0, pitch_count_ - PitchTracker::kLag - next);
  const int64_t steps = (due - samples_) / kStep + 1;
  for (int64_t index = next; index < next + (left + steps - 1) / steps; ++index) {
    functionals_.add(frame(index));
  }
}

void EgemapsStream::compute_functionals(const Span& span, float* out) {
  for (int64_t index = span.first + functionals_.frames(); index < span.end; ++index) {
    if (index < span.pitched) {
      functionals_.add(frame(index));
    } else {
      functionals_.add_unpitched(frame(index));
    }
  }
  functionals_.end(out);
  summed_ = -1;
}

void EgemapsStream::functionals(float* out) {
  functionals_.begin();
  compute_functionals(span_at(samples_), out);
}

void EgemapsStream::update() {
  const int kept = static_cast<int>(history_.size()) / kFunctionalCount;
  compute_functionals(span_at(samples_),
                      &history_[static_cast<size_t>(updates_ % kept) * kFunctionalCount]);
  ++updates_;
  for (size_t i = 0; i < ages_.size(); ++i) {
    if (updates_ <= ages_[i]) continue;  // still zeros
    const auto slot = static_cast<size_t>((updates_ - 1 - ages_[i]) % kept);
    std::copy_n(&history_[slot * kFunctionalCount], kFunctionalCount,
                &windows_[i * kFunctionalCount]);
  }
}

void EgemapsStream::write_input(float* out) const {
  for (size_t i = 0; i < ages_.size(); ++i, out += kFunctionalCount) {
    const int64_t update = updates_ - 1 - ages_[i];
    if (update < first_valid_update_) {
      std::fill_n(out, kFunctionalCount, 0.0f);
    } else {
      std::copy_n(&windows_[i * kFunctionalCount], kFunctionalCount, out);
    }
  }
}

int64_t EgemapsStream::rows() const { return pitch_count_ > 0 ? pitch_count_ + 1 : 0; }

int64_t EgemapsStream::oldest_row() const {
  return std::max<int64_t>(0, spectral_count_ - context_);
}

void EgemapsStream::lld(int64_t first, int count, float* out) {
  for (int64_t row = first; row < first + count; ++row) {
    for (int i = 0; i < kLldCount; ++i) {
      const bool pitched = i >= kF0;
      const int64_t last = (pitched ? pitch_count_ : spectral_count_) - 1;
      const auto at = [&](int64_t index) {
        return frame(std::clamp<int64_t>(index, oldest_row(), last)).lld[i];
      };
      *out++ = smooth_value(at(row - 1), at(row), at(row + 1), pitched);
    }
  }
}

}  // namespace koemorph
