// Any bytes as a retarget file.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "retarget/retarget_map.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  koemorph::RetargetMap map;
  if (koemorph::RetargetMap::load(text, &map).ok()) {
    float in[koemorph::kBlendshapeCount];
    for (int i = 0; i < koemorph::kBlendshapeCount; ++i) in[i] = 0.01f * static_cast<float>(i);
    std::vector<float> out(map.size());
    map.match_rig({"jawOpen", "Head.Blink_L", "", "_L", "Fcl_MTH_A"});
    out.resize(map.size());
    map.apply(in, out.data(), map.size());
  }
  return 0;
}
