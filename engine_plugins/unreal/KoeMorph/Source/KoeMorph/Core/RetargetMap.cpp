// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "RetargetMap.h"

namespace koemorph_plugin {

std::shared_ptr<const RetargetMap> RetargetMap::Load(const Api& api, const std::string& json,
                                                     const std::vector<std::string>* rig_names,
                                                     std::string* error) {
  std::vector<const char*> names;
  if (rig_names != nullptr) {
    for (const std::string& name : *rig_names) names.push_back(name.c_str());
    if (names.empty()) names.reserve(1);  // data() must not be null: that would mean no rig
  }
  koemorph_retarget_map* map = nullptr;
  if (api.retarget_map_load(json.data(), json.size(), rig_names == nullptr ? nullptr : names.data(),
                            static_cast<int32_t>(names.size()), &map) == KOEMORPH_OK) {
    return std::shared_ptr<const RetargetMap>(new RetargetMap(api, map));
  }
  *error = api.error_message();
  return nullptr;
}

RetargetMap::~RetargetMap() { api_.retarget_map_destroy(map_); }

int RetargetMap::Count() const { return api_.retarget_map_count(map_); }

std::string RetargetMap::Name(int index) const { return api_.retarget_map_name(map_, index); }

bool RetargetMap::IsDriven(int index) const {
  return api_.retarget_map_is_driven(map_, index) != 0;
}

void RetargetMap::Apply(const float* blendshapes, float* weights) const {
  api_.retarget_map_apply(map_, blendshapes, weights, Count());
}

}  // namespace koemorph_plugin
