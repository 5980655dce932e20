// Stage `retarget`: conversion of the 52 blend shape weights to the shapes of a rig.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "face/blendshapes.h"
#include "util/status.h"

namespace koemorph {

// A map file:
//
//   { "koemorph": "retarget", "version": 1, "name": "example", "source": "origin of the
//   names",
//     "targets": {
//       "EyeBlinkLeft": "eyeBlinkLeft",                            a copy
//       "viseme_aa": { "from": { "jawOpen": 1.2, "@viseme_O": -1 },   a weighted sum
//                      "offset": -0.05, "curve": [[0, 0], [0.5, 0.8], [1, 1]],
//                      "minimum": 0, "maximum": 1 },
//       "jawOpen_mouthClose": { "from": { "jawOpen": 1 }, "times": ["mouthClose"] } },  a product
//     "sum_limits": [ { "targets": ["viseme_aa", "viseme_O"], "limit": 1 } ] }
//
// target = clamp(curve((offset + sum of gain * source) * product of times), minimum, maximum). A
// source is one of the 52 blend shapes, or with @ another target of the same map. The curve is
// piecewise linear and constant beyond its ends. Defaults: offset 0, no product, no curve, minimum
// 0, maximum 1.
// A sum limit scales its targets by a common factor when their sum exceeds the limit. Targets that
// use these as sources use the values before scaling. A target is in one sum limit at most.
//
// Immutable once loaded and matched: any number of threads may apply one map.
class RetargetMap {
 public:
  // KOEMORPH_INVALID_ARGUMENT with position and target for invalid files: unknown names, targets
  // that depend on themselves, numbers that are not finite.
  static Status load(std::string_view json, RetargetMap* out);

  // Sets the outputs to the shapes of a rig, in its order. Targets that the rig lacks are dropped.
  // For the matching of names see match_shape_names.
  void match_rig(const std::vector<std::string>& rig_names);

  const std::string& name() const { return name_; }
  int size() const { return static_cast<int>(outputs_.size()); }
  const std::string& output_name(int output) const { return outputs_[output].name; }
  // False for a shape of the rig that matches no target; its weight is always 0.
  bool is_driven(int output) const { return outputs_[output].target >= 0; }
  // Targets that match no shape of the rig.
  std::vector<std::string> unmatched_targets() const;

  // blendshapes: (52,); writes the first min(count, size()) weights. Does not allocate.
  void apply(const float* blendshapes, float* weights, int count) const;

  static constexpr int kMaximumTargets = 512;

 private:
  friend class RetargetMapReader;

  struct Term {
    int source;  // a blend shape, or kBlendshapeCount + index of an earlier entry of targets_
    float gain;
  };
  struct Point {
    float in, out;
  };
  struct Target {
    std::string name;
    std::vector<Term> terms;
    std::vector<int> factors;  // sources, as in Term
    std::vector<Point> curve;
    float offset = 0.0f, minimum = 0.0f, maximum = 1.0f;
  };
  struct SumLimit {
    std::vector<int> targets;  // indices of targets_
    float limit = 1.0f;
  };
  struct Output {
    std::string name;
    int target;  // -1: none
  };

  static float evaluate(const std::vector<Point>& curve, float value);

  std::string name_;
  std::vector<Target> targets_;  // sorted: each after those it depends on
  std::vector<SumLimit> sum_limits_;
  std::vector<Output> outputs_;
};

}  // namespace koemorph
