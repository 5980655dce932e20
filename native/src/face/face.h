// What is known about each of the 52 blendshapes: where on the face it is, and its mirror image.
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

// The blendshape of this (exact) name, or -1.
int blendshape_index(std::string_view name);

// True for eyes, brows and the cheeks under the eyes; the rest is the lower face.
bool is_upper_face(int index);

// The blendshape that does the same on the other side of the face (jawLeft for jawRight), or
// `index` itself where there is none. eyeLookIn and eyeLookOut have none: mirrored eyes would
// squint.
int mirror_of(int index);

}  // namespace koemorph
