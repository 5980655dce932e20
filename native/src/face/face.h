// Properties of the 52 blend shapes: part of the face and mirror image.
#pragma once

#include <string_view>

#include "face/blendshapes.h"

namespace koemorph {

// In the order of kBlendshapeNames.
// clang-format off
enum Blendshape : int {
  kEyeBlinkLeft, kEyeLookDownLeft, kEyeLookInLeft, kEyeLookOutLeft, kEyeLookUpLeft, kEyeSquintLeft,
  kEyeWideLeft, kEyeBlinkRight, kEyeLookDownRight, kEyeLookInRight, kEyeLookOutRight,
  kEyeLookUpRight, kEyeSquintRight, kEyeWideRight, kJawForward, kJawLeft, kJawRight, kJawOpen,
  kMouthClose, kMouthFunnel, kMouthPucker, kMouthLeft, kMouthRight, kMouthSmileLeft,
  kMouthSmileRight, kMouthFrownLeft, kMouthFrownRight, kMouthDimpleLeft, kMouthDimpleRight,
  kMouthStretchLeft, kMouthStretchRight, kMouthRollLower, kMouthRollUpper, kMouthShrugLower,
  kMouthShrugUpper, kMouthPressLeft, kMouthPressRight, kMouthLowerDownLeft, kMouthLowerDownRight,
  kMouthUpperUpLeft, kMouthUpperUpRight, kBrowDownLeft, kBrowDownRight, kBrowInnerUp,
  kBrowOuterUpLeft, kBrowOuterUpRight, kCheekPuff, kCheekSquintLeft, kCheekSquintRight,
  kNoseSneerLeft, kNoseSneerRight, kTongueOut,
};
// clang-format on

// Index of the blend shape of this exact name, or -1.
int blendshape_index(std::string_view name);

// True for eyes, brows and cheek squint; all others are the lower face.
bool is_upper_face(int index);

// The blend shape for the other side of the face (jawLeft for jawRight), or `index` itself when
// there is none. eyeLookIn and eyeLookOut have none: mirrored eyes would squint.
int mirror_of(int index);

}  // namespace koemorph
