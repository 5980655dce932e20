#include "face/controls.h"

#include <cstring>
#include <limits>

#include "face/controls_processor.h"
#include "face/controls_table.h"
#include "face/face.h"
#include "unit.h"

using koemorph::kBlendshapeCount;

namespace {

void check_table() {
  const koemorph_controls defaults = koemorph::default_controls();
  EXPECT(koemorph::check_controls(defaults).ok());
  EXPECT(defaults.transition_seconds == 0.2f && defaults.maximum[51] == 1.0f);
  EXPECT(defaults.active[0] == 1 && defaults.cancel_group[0] == 0 && defaults.gate == 0);
  for (const koemorph::ControlField& field : koemorph::kControlFields) {
    EXPECT(koemorph::find_control(field.name) == &field);
    EXPECT(std::strlen(field.description) > 0);
    EXPECT(field.minimum <= field.default_value && field.default_value <= field.maximum);
    const int index = field.per_blendshape ? 51 : 0;
    EXPECT(koemorph::unit::near(koemorph::get_control(defaults, field, index), field.default_value,
                                1e-6));
    koemorph_controls changed = defaults;
    koemorph::set_control(&changed, field, index, field.maximum);
    EXPECT(koemorph::get_control(changed, field, index) == field.maximum);
    EXPECT(koemorph::check_controls(changed).ok());
    if (field.type != KOEMORPH_CONTROL_NUMBER) continue;
    for (const double value :
         {field.minimum - 1.0, field.maximum + 1.0, std::numeric_limits<double>::quiet_NaN()}) {
      koemorph::set_control(&changed, field, index, value);
      const koemorph::Status status = koemorph::check_controls(changed);
      EXPECT(status.result == KOEMORPH_INVALID_ARGUMENT);
      EXPECT(status.message.find(field.name) != std::string::npos);
    }
  }
  EXPECT(koemorph::find_control("size") == nullptr);
}

void check_presets() {
  koemorph_controls controls{};
  EXPECT(koemorph::read_preset(R"({"koemorph": "preset", "version": 1, "name": "a", "controls": {
      "gate": true, "seed": 7, "symmetry": 0.5, "multiplier": {"jawOpen": 2},
      "inactive": ["tongueOut"], "cancel": [["jawLeft", "jawRight"]]}})",
                               &controls)
             .ok());
  EXPECT(controls.gate == 1 && controls.seed == 7 && controls.symmetry == 0.5f);
  EXPECT(controls.multiplier[koemorph::kJawOpen] == 2.0f);
  EXPECT(controls.active[koemorph::kTongueOut] == 0);
  EXPECT(controls.cancel_group[koemorph::kJawLeft] == 1);
  EXPECT(koemorph::read_preset("{}", &controls).result == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(controls.seed == 7);  // unchanged on failure
}

void check_processor() {
  koemorph::ControlsProcessor processor(30);
  float in[kBlendshapeCount] = {};
  float out[kBlendshapeCount];
  in[koemorph::kJawOpen] = 0.5f;
  processor.apply(in, out);
  EXPECT(out[koemorph::kJawOpen] == 0.5f);  // the defaults change nothing
  // A change takes effect over transition_seconds: 6 frames.
  koemorph_controls controls = koemorph::default_controls();
  controls.lower_strength = 0.0f;
  processor.set(controls);
  float previous = 0.5f;
  for (int i = 0; i < 8; ++i) {
    processor.apply(in, out);
    EXPECT(out[koemorph::kJawOpen] <= previous && previous - out[koemorph::kJawOpen] < 0.2f);
    previous = out[koemorph::kJawOpen];
  }
  EXPECT(previous == 0.0f);
}

}  // namespace

KOEMORPH_TESTS(controls) {
  check_table();
  check_presets();
  check_processor();
}
