// Shapes of the same meaning under a rig's own spelling.
#pragma once

#include <string>
#include <vector>

namespace koemorph {

// For each rig name the index of the wanted name that it stands for, or -1. The same spelling wins,
// then the same name but for case, separators, side suffix (_L, .L, Left) and mesh prefix
// ("Face."), then a wanted name that ends the rig's in five characters or more after a separator,
// however either is spelled ("M_F00_000_00_Fcl_MTH_A" for "Fcl_MTH_A", "Head_EyeBlink_L" for
// "eyeBlinkLeft"): the longest such ending, and of one ending the same spelling. What follows "V_"
// is a viseme's name, and no such ending.
std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig);

}  // namespace koemorph
