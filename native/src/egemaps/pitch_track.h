// Pitch tracking: a Viterbi search over the candidates of the last 40 frames.
#pragma once

#include <array>
#include <vector>

#include "egemaps/pitch.h"

namespace koemorph {

// Selects one candidate, or unvoiced, for every frame. The selection is final after kLag more
// frames; before that it may change. Does not allocate after construction.
class PitchTracker {
 public:
  static constexpr int kLag = 40;  // frames

  PitchTracker();

  void push(const PitchCandidates& candidates);
  void reset();

  // Backtracks the best path for the last valid() frames.
  void trace();
  int valid() const { return filled_; }

  // Pitch in Hz of the frame `age` frames before the newest, 0 where unvoiced; age < valid().
  float frequency(int age) const { return path_[age]; }

 private:
  static constexpr int kStates = PitchCandidates::kMaxCount + 1;  // the last one is unvoiced
  static constexpr int kUnvoiced = kStates - 1;

  struct Frame {
    PitchCandidates candidates;
    std::array<int, kStates> from{};  // best predecessor of each state
  };

  int slot(int age) const { return (newest_ + kHistory - age) % kHistory; }

  static constexpr int kHistory = kLag + 1;
  std::vector<Frame> frames_;
  std::array<float, kHistory> path_{};
  std::array<float, kStates> costs_{};
  int newest_ = 0;
  int filled_ = 0;
};

}  // namespace koemorph
