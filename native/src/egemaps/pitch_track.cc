#include "egemaps/pitch_track.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace koemorph {
namespace {

constexpr float kVoicingThreshold = 0.7f;
constexpr float kLocalWeight = 3.4f;    // cost of a weak candidate
constexpr float kNoiseWeight = 8.0f;    // cost of a voiced decision in noise
constexpr float kVoiceWeight = 8.4f;    // cost of an unvoiced decision for a clear pitch
constexpr float kJumpWeight = 10.0f;    // cost of a jump by an octave
constexpr float kSwitchWeight = 10.0f;  // cost of a change between voiced and unvoiced
constexpr float kLeastVoicing = 1e-3f;
constexpr float kImpossible = std::numeric_limits<float>::max();

float voiced_cost(const PitchCandidate& candidate) {
  const float miss = candidate.voicing < kVoicingThreshold ? kNoiseWeight : 0.0f;
  return -kLocalWeight * std::log(std::max(candidate.voicing, kLeastVoicing)) + miss;
}

float unvoiced_cost(const PitchCandidates& candidates) {
  return candidates.count > 0 && candidates.best[0].voicing > kVoicingThreshold ? kVoiceWeight
                                                                                : 0.0f;
}

}  // namespace

PitchTracker::PitchTracker() : frames_(kHistory) { reset(); }

void PitchTracker::reset() {
  filled_ = 0;
  newest_ = 0;
}

void PitchTracker::push(const PitchCandidates& candidates) {
  const Frame& before = frames_[newest_];
  newest_ = (newest_ + 1) % kHistory;
  Frame& now = frames_[newest_];
  now.candidates = candidates;

  std::array<float, kStates> costs;
  for (int to = 0; to < kStates; ++to) {
    const bool voiced = to != kUnvoiced;
    if (voiced && to >= candidates.count) {
      costs[to] = kImpossible;
      continue;
    }
    const float local = voiced ? voiced_cost(candidates.best[to]) : unvoiced_cost(candidates);
    if (filled_ == 0) {
      costs[to] = local;
      continue;
    }
    float best = kImpossible;
    for (int from = 0; from < kStates; ++from) {
      const bool was_voiced = from != kUnvoiced;
      if (was_voiced && from >= before.candidates.count) continue;
      float step = 0;
      if (voiced && was_voiced) {
        step = kJumpWeight * std::abs(std::log2(candidates.best[to].frequency /
                                                before.candidates.best[from].frequency));
      } else if (voiced != was_voiced) {
        step = kSwitchWeight;
      }
      if (costs_[from] + step < best) {
        best = costs_[from] + step;
        now.from[to] = from;
      }
    }
    costs[to] = best + local;
  }
  // Only differences matter; without this the sum would lose precision over hours.
  const float least = *std::min_element(costs.begin(), costs.end());
  for (int s = 0; s < kStates; ++s)
    costs_[s] = costs[s] == kImpossible ? kImpossible : costs[s] - least;
  filled_ = std::min(filled_ + 1, kHistory);
}

void PitchTracker::trace() {
  if (filled_ == 0) return;
  auto state = static_cast<int>(std::min_element(costs_.begin(), costs_.end()) - costs_.begin());
  for (int age = 0; age < filled_; ++age) {
    const Frame& frame = frames_[slot(age)];
    path_[age] = state == kUnvoiced ? 0.0f : frame.candidates.best[state].frequency;
    state = frame.from[state];
  }
}

}  // namespace koemorph
