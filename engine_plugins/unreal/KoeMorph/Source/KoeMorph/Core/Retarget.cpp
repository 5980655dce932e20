#include "Retarget.h"

namespace koemorph_plugin {

std::shared_ptr<const Retarget> Retarget::Load(const Api& api, const std::string& json,
                                               const std::vector<std::string>* rig_names,
                                               std::string* problem) {
  std::vector<const char*> names;
  if (rig_names != nullptr) {
    for (const std::string& name : *rig_names) names.push_back(name.c_str());
    if (names.empty()) names.reserve(1);  // a rig without a shape is not "no rig"
  }
  koemorph_retarget_map* map = nullptr;
  if (api.retarget_map_load(json.data(), json.size(), rig_names == nullptr ? nullptr : names.data(),
                        static_cast<int32_t>(names.size()), &map) == KOEMORPH_OK) {
    return std::shared_ptr<const Retarget>(new Retarget(api, map));
  }
  *problem = api.error_message();
  return nullptr;
}

Retarget::~Retarget() { api_.retarget_map_destroy(map_); }

int Retarget::Count() const { return api_.retarget_map_count(map_); }

std::string Retarget::Name(int index) const { return api_.retarget_name(map_, index); }

bool Retarget::IsDriven(int index) const { return api_.retarget_map_is_driven(map_, index) != 0; }

void Retarget::Apply(const float* blendshapes, float* weights) const {
  api_.retarget_map_apply(map_, blendshapes, weights, Count());
}

}  // namespace koemorph_plugin
