// Stage `egemaps`: streaming eGeMAPSv02 features (Eyben et al. 2016).
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "egemaps/descriptors.h"
#include "egemaps/formants.h"
#include "egemaps/functionals.h"
#include "egemaps/harmonics.h"
#include "egemaps/periods.h"
#include "egemaps/pitch.h"
#include "egemaps/pitch_track.h"
#include "features/sliding_buffer.h"
#include "features/spectrum.h"
#include "util/status.h"

namespace koemorph {

// Part of the metadata of a model. Times in seconds, multiples of 10 ms.
struct EgemapsConfig {
  int sample_rate = 16000;       // Hz; no other is supported
  double context_window = 20.0;  // time span of the functionals
  double update_interval = 0.3;
  std::vector<double> window_intervals = {0.0, 0.3, 0.6};  // ages of the functionals in windows()

  // The first update that a network gets as input. Earlier ones cover less than two seconds, so
  // they describe a word rather than a voice.
  int64_t first_valid_update() const;
};

// Descriptors every 10 ms, each computed once when its audio arrives; functionals of the newest
// context_window at every update_interval, whose sums are spread over the steps before. The result
// does not depend on block sizes. Does not allocate after construction.
class EgemapsStream {
 public:
  // Validates settings.
  static Status check(const EgemapsConfig& config);

  // config: accepted by check().
  explicit EgemapsStream(const EgemapsConfig& config);

  // Takes samples in [-1, 1] until the next update is complete; returns the number of samples
  // taken. NaN and infinity count as 0, other values are limited to +-100.
  int push(const float* samples, int count);

  // Number of updates; the last one covers audio up to sample updates() * interval.
  int64_t updates() const { return updates_; }

  // (window_intervals, kFunctionalCount): the functionals of each age; zeros where there are none.
  const float* windows() const { return windows_.data(); }
  int window_count() const { return static_cast<int>(ages_.size()); }
  // The network's input: windows(), with zeros for updates before first_valid_update(). out:
  // (window_intervals, kFunctionalCount).
  void write_input(float* out) const;

  // Functionals of the newest context_window, computed by the call. out: kFunctionalCount.
  void functionals(float* out);

  // Smoothed descriptors, one row per 10 ms. Rows [oldest_row(), rows()) are stored; the newest may
  // still change while their pitch is not final. out: (count, kLldCount).
  int64_t rows() const;
  int64_t oldest_row() const;
  void lld(int64_t first, int count, float* out);

  void reset();

  const EgemapsConfig& config() const { return config_; }

 private:
  // Data of a frame that is needed until its pitch is final.
  struct Pending {
    Formants formants;
    float f0 = 0;         // of the last computed descriptors
    bool silent = false;  // too quiet to be voiced
    bool described = false;
    PeriodTracker periods;  // after this frame
  };

  // Indices of the frames of an update: those entirely within its context_window. The pitch is
  // final for frames before `pitched`.
  struct Span {
    int64_t first, pitched, end;
  };

  void store(const float* samples, int count);
  void analyze_spectrum();
  void analyze_pitch();
  void update_pitch();
  void describe(int64_t index, float f0);
  void sum_final_frames();
  void compute_functionals(const Span& span, float* out);
  void update();
  Span span_at(int64_t samples) const;

  EgemapsFrame& frame(int64_t index) { return frames_[static_cast<size_t>(index % capacity_)]; }
  Pending& pending(int64_t index) { return pending_[static_cast<size_t>(index % kPending)]; }
  float* magnitude(int64_t index) {
    return &magnitudes_[static_cast<size_t>(index % kNotFinal) * PitchAnalyzer::kBins];
  }
  const float* newest(int count) const;

  static constexpr int kStep = 160;                         // samples: 10 ms
  static constexpr int kNotFinal = PitchTracker::kLag + 1;  // frames whose pitch may still change
  static constexpr int kPending = kNotFinal + 5;            // pitch frames are 4 steps late
  static constexpr int kAudio =
      (kPending + 1) * kStep + PeriodTracker::kReachBack;  // samples stored

  EgemapsConfig config_;
  int context_, interval_;  // frames, samples
  int64_t first_valid_update_;
  int capacity_;           // frames stored
  std::vector<int> ages_;  // of the windows, in updates

  SpectrumAnalyzer spectrum_;
  FormantAnalyzer formants_;
  PitchAnalyzer pitch_;
  PitchTracker tracker_;
  HarmonicAnalyzer harmonics_;
  Functionals functionals_;

  std::vector<EgemapsFrame> frames_;
  std::vector<Pending> pending_;
  std::vector<float> magnitudes_;  // of the frames whose pitch may change
  SlidingBuffer audio_;            // the newest samples, rows of one
  std::vector<float> history_;     // ring of the functionals of the last updates
  std::vector<float> windows_;

  int64_t samples_ = 0, updates_ = 0;
  int64_t spectral_count_ = 0, pitch_count_ = 0;  // frames analyzed
  int64_t summed_ = -1;  // first frame of the span in functionals_, -1: none
};

}  // namespace koemorph
