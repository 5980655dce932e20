// Matching of shape names of different spelling.
#pragma once

#include <string>
#include <vector>

namespace koemorph {

// For each rig name the index of the matching wanted name, or -1. In order of priority:
// 1. the same spelling;
// 2. the same name regardless of case, separators, side suffix (_L, .L, Left) and mesh prefix
//    ("Face.");
// 3. a wanted name that is the end of the rig's name after a separator, with at least five
//    characters ("M_F00_000_00_Fcl_MTH_A" for "Fcl_MTH_A", "Head_EyeBlink_L" for "eyeBlinkLeft"),
//    the longest first. An end after "V_" does not count: it is the name of a viseme;
// 4. one of these without the suffix of a copy ("jawOpen.001", "jawOpen0", "jawOpen_div2"), unless
//    the rig has the name without the suffix, or with two of them.
// Correctives match only their own name: a prefix that contains a blend shape or a wanted name
// ("jawOpen_mouthClose"), or a word such as "inv" ("inv_jawOpen").
std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig);

}  // namespace koemorph
