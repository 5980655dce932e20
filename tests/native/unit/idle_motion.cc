#include "face/idle_motion.h"

#include <algorithm>

#include "face/controls.h"
#include "face/face.h"
#include "unit.h"

using koemorph::kBlendshapeCount;

namespace {

std::vector<float> minute(const koemorph_controls& controls) {
  koemorph::IdleMotion motion(30);
  motion.set(controls);
  motion.reset();
  std::vector<float> frames;
  for (int i = 0; i < 1800; ++i) {
    float weights[kBlendshapeCount] = {};
    motion.apply(i, weights);
    frames.insert(frames.end(), weights, weights + kBlendshapeCount);
  }
  return frames;
}

float peak(const std::vector<float>& frames, int blendshape) {
  float highest = 0.0f;
  for (size_t i = blendshape; i < frames.size(); i += kBlendshapeCount) {
    highest = std::max(highest, frames[i]);
  }
  return highest;
}

}  // namespace

KOEMORPH_TESTS(idle_motion) {
  koemorph_controls controls = koemorph::default_controls();
  const std::vector<float> frames = minute(controls);
  EXPECT(minute(controls) == frames);  // deterministic
  EXPECT(peak(frames, koemorph::kEyeBlinkLeft) == 1.0f);
  EXPECT(peak(frames, koemorph::kEyeLookUpLeft) == 0.0f);  // saccades are off
  EXPECT(peak(frames, koemorph::kJawOpen) == 0.0f);
  controls.seed = 1;
  EXPECT(minute(controls) != frames);
  controls.maximum[koemorph::kEyeBlinkLeft] = 0.5f;
  controls.active[koemorph::kEyeBlinkRight] = 0;
  controls.saccades = controls.idle = 1.0f;
  const std::vector<float> limited = minute(controls);
  EXPECT(peak(limited, koemorph::kEyeBlinkLeft) <= 0.5f);
  EXPECT(peak(limited, koemorph::kEyeBlinkRight) == 0.0f);
  EXPECT(peak(limited, koemorph::kEyeLookUpLeft) > 0.0f);
  EXPECT(peak(limited, koemorph::kMouthSmileLeft) > 0.0f);
  controls.blink = controls.saccades = controls.idle = 0.0f;
  for (const float weight : minute(controls)) EXPECT(weight == 0.0f);
}
