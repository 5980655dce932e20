// koemorph_controls: defaults, validation and presets.
#pragma once

#include <string_view>

#include "koemorph.h"
#include "util/status.h"

namespace koemorph {

koemorph_controls default_controls();

// KOEMORPH_INVALID_ARGUMENT with a message about the first field that is out of range.
Status check_controls(const koemorph_controls& controls);

// The defaults and then the values of a preset file:
//
//   { "koemorph": "preset", "version": 1, "name": "example", "description": "purpose",
//     "controls": { "lower_strength": 1.2, "gate": true, "multiplier": { "jawOpen": 0.9 },
//                   "inactive": ["tongueOut"], "cancel": [["mouthPucker", "mouthStretchLeft"]] } }
//
// The members of "controls" are the fields of koemorph_controls; those with one value per blend
// shape are objects. Instead of `active` and `cancel_group`, "inactive" lists blend shapes that
// stay 0 and "cancel" lists groups.
Status read_preset(std::string_view json, koemorph_controls* out);

}  // namespace koemorph
