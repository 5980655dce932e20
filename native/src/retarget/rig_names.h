// Matching of shape names of different spelling.
#pragma once

#include <string>
#include <vector>

namespace koemorph {

// For each rig name the index of the matching wanted name, or -1. In order of priority: the same
// spelling; the same name regardless of case, separators, side suffix (_L, .L, Left) and mesh
// prefix
// ("Face."); a wanted name that is the end of the rig's name after a separator, with at least five
// characters ("M_F00_000_00_Fcl_MTH_A" for "Fcl_MTH_A", "Head_EyeBlink_L" for "eyeBlinkLeft"), the
// longest first. A suffix after "V_" does not count: it is the name of a viseme.
std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig);

}  // namespace koemorph
