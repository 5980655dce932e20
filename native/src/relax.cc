#include "relax.h"

namespace koemorph {

double Relax::share(double time) const {
  if (time < turned_) return from_;
  if (time >= turned_ + seconds_) return goal_;
  const double t = (time - turned_) / seconds_;
  return from_ + (goal_ - from_) * t * t * (3.0 - 2.0 * t);
}

void Relax::turn(double time, double seconds, double goal) {
  from_ = share(time);
  turned_ = time;
  seconds_ = seconds;
  goal_ = goal;
}

void Relax::apply(double time, float* weights, int n) const {
  const double left = share(time);
  if (left == 1.0) return;
  for (int i = 0; i < n; ++i) weights[i] *= static_cast<float>(left);
}

}  // namespace koemorph
