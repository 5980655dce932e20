#include "face/fade.h"

#include <algorithm>

namespace koemorph {

double Fade::share(double time) const {
  if (count_ == 0) return 1.0;
  int newest = count_ - 1;
  while (newest > 0 && time < turns_[newest].time) --newest;
  const Turn& turn = turns_[newest];
  if (time < turn.time) return turn.from;
  if (time >= turn.time + turn.seconds) return turn.goal;
  const double t = (time - turn.time) / turn.seconds;
  // Rounded, it may lie beyond the goal, and a face below rest.
  const double done = std::min(t * t * (3.0 - 2.0 * t), 1.0);
  return turn.from + (turn.goal - turn.from) * done;
}

void Fade::turn(double time, double seconds, double goal) {
  const double from = share(time);
  while (count_ > 0 && turns_[count_ - 1].time >= time) --count_;
  // Said again every frame, it must not push out what can be looked back at.
  const double before = count_ > 0 ? turns_[count_ - 1].goal : 1.0;
  if (from == goal && before == goal) return;
  if (count_ == static_cast<int>(turns_.size())) {
    std::copy(turns_.begin() + 1, turns_.end(), turns_.begin());
    --count_;
  }
  turns_[count_++] = {time, seconds, from, goal};
}

void Fade::apply(double time, float* weights, int n) const {
  const double left = share(time);
  if (left == 1.0) return;
  for (int i = 0; i < n; ++i) weights[i] *= static_cast<float>(left);
}

}  // namespace koemorph
