// Stage `egemaps`: how the voice sounds. eGeMAPSv02 (Eyben et al. 2016), live.
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

// Travels in the model's metadata. Times in seconds, multiples of 10 ms.
struct EgemapsConfig {
  int sample_rate = 16000;       // Hz; the only one there is
  double context_window = 20.0;  // what the functionals look back on
  double update_interval = 0.3;
  std::vector<double> window_intervals = {0.0, 0.3, 0.6};  // ages of the functionals in windows()

  // The first update that a network is told of: functionals of less than two seconds say more of a
  // word than of a voice.
  int64_t first_valid_update() const;
};

// Descriptors every 10 ms, each computed once as its audio arrives; functionals of the newest
// context_window at every update_interval, their sums a little at every step before. The same audio
// gives the same numbers in any chunks. Allocates nothing after construction.
class EgemapsStream {
 public:
  // Whether EgemapsStream can be made of these settings.
  static Status check(const EgemapsConfig& config);

  // config: one that check() accepts.
  explicit EgemapsStream(const EgemapsConfig& config);

  // Takes samples in [-1, 1] until the next update is complete or they are used up; returns how
  // many were taken. NaN and infinity count as 0, and nothing is louder than 100.
  int push(const float* samples, int count);

  // How many updates there have been; the last describes audio up to sample updates() * interval.
  int64_t updates() const { return updates_; }

  // (window_intervals, kFunctionalCount): the functionals of each age; zeros before there were any.
  const float* windows() const { return windows_.data(); }
  int window_count() const { return static_cast<int>(ages_.size()); }
  // What a network is told of windows(): zeros where the functionals are of an update before
  // first_valid_update(). out: (window_intervals, kFunctionalCount).
  void write_input(float* out) const;

  // Functionals of the newest context_window of all audio so far, all at once. out:
  // kFunctionalCount.
  void functionals(float* out);

  // Smoothed descriptors, one row a 10 ms step. Rows [oldest_row(), rows()) are kept; the newest of
  // them may still change while the pitch is undecided. out: (count, kLldCount).
  int64_t rows() const;
  int64_t oldest_row() const;
  void lld(int64_t first, int count, float* out);

  void reset();

  const EgemapsConfig& config() const { return config_; }

 private:
  // What the descriptors of a frame need until its pitch is decided.
  struct Pending {
    Formants formants;
    float f0 = 0;         // of the descriptors computed last
    bool silent = false;  // too quiet to be voiced
    bool described = false;
    PeriodTracker periods;  // after this frame
  };

  // The frames of an update, by index: those that lie whole in its context_window. The pitch is
  // known of those before `pitched`.
  struct Span {
    int64_t first, pitched, end;
  };

  void keep(const float* samples, int count);
  void analyze_spectrum();
  void analyze_pitch();
  void follow_pitch();
  void describe(int64_t index, float f0);
  void sum_up_decided();
  void sum_up(const Span& span, float* out);
  void update();
  Span span_at(int64_t samples) const;

  EgemapsFrame& frame(int64_t index) { return frames_[static_cast<size_t>(index % capacity_)]; }
  Pending& pending(int64_t index) { return pending_[static_cast<size_t>(index % kPending)]; }
  float* magnitude(int64_t index) {
    return &magnitudes_[static_cast<size_t>(index % kUndecided) * PitchAnalyzer::kBins];
  }
  const float* newest(int count) const;

  static constexpr int kStep = 160;                          // samples: 10 ms
  static constexpr int kUndecided = PitchTracker::kLag + 1;  // frames whose pitch may change
  static constexpr int kPending = kUndecided + 5;            // pitch frames are 4 steps late
  static constexpr int kAudio = (kPending + 1) * kStep + PeriodTracker::kReachBack;  // samples kept

  EgemapsConfig config_;
  int context_, interval_;  // frames, samples
  int64_t first_valid_update_;
  int capacity_;           // frames kept
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
  std::vector<float> history_;     // functionals of the last updates, a ring
  std::vector<float> windows_;

  int64_t samples_ = 0, updates_ = 0;
  int64_t spectral_count_ = 0, pitch_count_ = 0;  // frames analysed
  int64_t summed_ = -1;  // first frame of the span that functionals_ sums up, -1: of none
};

}  // namespace koemorph
