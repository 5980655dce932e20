// The voice's path through the pitch candidates: a Viterbi search over the last 40 frames.
#pragma once

#include <array>
#include <vector>

#include "egemaps/pitch.h"

namespace koemorph {

// Chooses one candidate, or silence of the voice, for every frame. The choice for a frame is final
// once kLag more frames have come; before that it may change. Allocates nothing after construction.
class PitchTracker {
 public:
  static constexpr int kLag = 40;  // frames

  PitchTracker();

  void push(const PitchCandidates& candidates);
  void reset();

  // Traces the best path back; valid() frames are known afterwards.
  void trace();
  int valid() const { return filled_; }

  // Pitch in Hz of the frame `age` frames before the newest, 0 where unvoiced; age < valid().
  float frequency(int age) const { return path_[age]; }

 private:
  static constexpr int kStates = PitchCandidates::kMost + 1;  // the last one is unvoiced
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
