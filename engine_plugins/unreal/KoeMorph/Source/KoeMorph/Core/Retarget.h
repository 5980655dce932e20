#pragma once

#include <memory>
#include <string>
#include <vector>

#include "Library.h"

namespace koemorph_plugin {

// An immutable map from the 52 blendshapes to a rig's own shapes.
class Retarget {
 public:
  // Reads a map file's text. `rig_names`: the rig's shapes (UTF-8); weights then come in their
  // order. Null: they come in the map's own. Null, with a sentence in `problem`, when it is no map.
  static std::shared_ptr<const Retarget> Load(const Api& api, const std::string& json,
                                              const std::vector<std::string>* rig_names,
                                              std::string* problem);
  ~Retarget();
  Retarget(const Retarget&) = delete;
  Retarget& operator=(const Retarget&) = delete;

  int Count() const;
  std::string Name(int index) const;
  // False for a shape of the rig that found no partner.
  bool IsDriven(int index) const;
  // 52 blendshapes into Count() weights.
  void Apply(const float* blendshapes, float* weights) const;

 private:
  Retarget(const Api& api, koemorph_retarget_map* map) : api_(api), map_(map) {}

  const Api api_;
  koemorph_retarget_map* const map_;
};

}  // namespace koemorph_plugin
