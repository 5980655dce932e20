// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <memory>
#include <string>
#include <vector>

#include "Library.h"

namespace koemorph_plugin {

// An immutable map from the 52 ARKit blend shapes to those of a rig.
class RetargetMap {
 public:
  // Parses the text of a map file. `rig_names`: blend shapes of the rig (UTF-8), which define the
  // order of the weights; null: the order of the map. Null, with an error message, on failure.
  static std::shared_ptr<const RetargetMap> Load(const Api& api, const std::string& json,
                                                 const std::vector<std::string>* rig_names,
                                                 std::string* error);
  ~RetargetMap();
  RetargetMap(const RetargetMap&) = delete;
  RetargetMap& operator=(const RetargetMap&) = delete;

  int Count() const;
  std::string Name(int index) const;
  // False for a blend shape of the rig that the map does not drive.
  bool IsDriven(int index) const;
  // Converts 52 weights to Count() weights.
  void Apply(const float* blendshapes, float* weights) const;

 private:
  RetargetMap(const Api& api, koemorph_retarget_map* map) : api_(api), map_(map) {}

  const Api api_;
  koemorph_retarget_map* const map_;
};

}  // namespace koemorph_plugin
