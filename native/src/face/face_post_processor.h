// The stages between the network and the frame buffer: controls and idle motion.
#pragma once

#include <array>
#include <cstdint>

#include "face/blendshapes.h"
#include "face/controls_processor.h"
#include "face/idle_motion.h"

namespace koemorph {

class FacePostProcessor {
 public:
  explicit FacePostProcessor(int fps) : controls_(fps), idle_motion_(fps) {}

  // `controls` have passed check_controls.
  void set_controls(const koemorph_controls& controls) {
    controls_.set(controls);
    idle_motion_.set(controls);
  }
  // weights: (52,) of frame `index` as the network returned them. The result is in final_weights().
  void apply(int64_t index, const float* weights) {
    controls_.apply(weights, controlled_.data());
    final_ = controlled_;
    idle_motion_.apply(index, final_.data());
  }
  void reset() {
    controls_.reset();
    idle_motion_.reset();
  }

  // (52,) of the last frame, after the controls; and after idle motion.
  const float* controlled_weights() const { return controlled_.data(); }
  const float* final_weights() const { return final_.data(); }

 private:
  ControlsProcessor controls_;
  IdleMotion idle_motion_;
  std::array<float, kBlendshapeCount> controlled_{};
  std::array<float, kBlendshapeCount> final_{};
};

}  // namespace koemorph
