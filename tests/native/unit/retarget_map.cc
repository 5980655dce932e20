#include "retarget/retarget_map.h"

#include <limits>

#include "face/face.h"
#include "retarget/rig_names.h"
#include "unit.h"

using koemorph::kBlendshapeCount;
using koemorph::RetargetMap;

namespace {

koemorph::Status load(const std::string& targets, RetargetMap* map) {
  return RetargetMap::load(
      R"({"koemorph": "retarget", "version": 1, "name": "test", "targets": )" + targets + "}", map);
}

}  // namespace

KOEMORPH_TESTS(retarget_map) {
  RetargetMap map;
  EXPECT(load(R"({"open": {"from": {"jawOpen": 2, "@closed": -1}, "maximum": 0.9},
                  "closed": "mouthClose",
                  "curved": {"from": {"jawOpen": 1}, "curve": [[0, 0], [0.5, 1]]}})",
              &map)
             .ok());
  float face[kBlendshapeCount] = {};
  face[koemorph::kJawOpen] = 0.25f;
  face[koemorph::kMouthClose] = 0.1f;
  float weights[3] = {};
  map.apply(face, weights, 3);
  EXPECT(koemorph::unit::near(weights[0], 0.4, 1e-6));
  EXPECT(koemorph::unit::near(weights[1], 0.1, 1e-6));
  EXPECT(koemorph::unit::near(weights[2], 0.5, 1e-6));
  face[koemorph::kJawOpen] = 1.0f;
  map.apply(face, weights, 1);
  EXPECT(weights[0] == 0.9f);
  face[koemorph::kJawOpen] = std::numeric_limits<float>::quiet_NaN();
  map.apply(face, weights, 1);
  EXPECT(weights[0] == 0.0f);

  // In the order of a rig, with its spelling.
  map.match_rig({"hair", "Face.CLOSED", "open_x"});
  EXPECT(map.size() == 3 && map.output_name(1) == "Face.CLOSED");
  EXPECT(!map.is_driven(0) && map.is_driven(1) && !map.is_driven(2));
  EXPECT(map.unmatched_targets() == (std::vector<std::string>{"open", "curved"}));
  EXPECT(koemorph::match_shape_names({"mouthSmileLeft"}, {"Mouth_Smile_L", "jaw"}) ==
         (std::vector<int>{0, -1}));

  for (const char* targets :
       {R"({"a": "jaw"})", R"({"a": {"from": {"@a": 1}}})", R"({"a": {"gain": 1}})",
        R"({"a": {"curve": [[0, 0]]}})", R"({"a": 1})", "{}"}) {
    const koemorph::Status status = load(targets, &map);
    EXPECT(status.result == KOEMORPH_INVALID_ARGUMENT);
    EXPECT(status.message.find("line 1") != std::string::npos);
  }
}
