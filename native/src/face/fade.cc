#include "face/fade.h"

#include <algorithm>

namespace koemorph {

double Fade::factor(double time) const {
  if (count_ == 0) return 1.0;
  int newest = count_ - 1;
  while (newest > 0 && time < segments_[newest].time) --newest;
  const Segment& segment = segments_[newest];
  if (time < segment.time) return segment.from;
  if (time >= segment.time + segment.seconds) return segment.goal;
  const double t = (time - segment.time) / segment.seconds;
  // Rounding may exceed 1, and weights would become negative.
  const double progress = std::min(t * t * (3.0 - 2.0 * t), 1.0);
  return segment.from + (segment.goal - segment.from) * progress;
}

void Fade::add(double time, double seconds, double goal) {
  const double from = factor(time);
  while (count_ > 0 && segments_[count_ - 1].time >= time) --count_;
  // A fade that is repeated every frame must not push older segments out.
  const double previous_goal = count_ > 0 ? segments_[count_ - 1].goal : 1.0;
  if (from == goal && previous_goal == goal) return;
  if (count_ == static_cast<int>(segments_.size())) {
    std::copy(segments_.begin() + 1, segments_.end(), segments_.begin());
    --count_;
  }
  segments_[count_++] = {time, seconds, from, goal};
}

void Fade::apply(double time, float* weights, int count) const {
  const double scale = factor(time);
  if (scale == 1.0) return;
  for (int i = 0; i < count; ++i) weights[i] *= static_cast<float>(scale);
}

}  // namespace koemorph
