// Shapes of the same meaning under a rig's own spelling.
#pragma once

#include <string>
#include <vector>

namespace koemorph {

// For each rig name the index of the wanted name that it stands for, or -1. The same spelling wins,
// then the same name but for case, separators, side suffix (_L, .L, Left) and mesh prefix
// ("Face."), then a wanted name of at least five characters that ends the rig's after a separator
// ("M_F00_000_00_Fcl_MTH_A" for "Fcl_MTH_A").
std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig);

}  // namespace koemorph
