// The settings of controls.h: defaults, ranges and preset files.
#include <cmath>
#include <cstddef>
#include <string>

#include "face/controls.h"
#include "face/face.h"
#include "util/json.h"
#include "retarget/settings_file.h"

namespace koemorph {
namespace {

struct NumberField {
  const char* name;
  float koemorph_controls::* field;
  float minimum, maximum;
};

constexpr NumberField kNumbers[] = {
    {"input_strength", &koemorph_controls::input_strength, 0, 10},
    {"gate_margin", &koemorph_controls::gate_margin, 1, 40},
    {"gate_hold", &koemorph_controls::gate_hold, 0, 5},
    {"gate_ceiling", &koemorph_controls::gate_ceiling, -90, 0},
    {"auto_gain_target", &koemorph_controls::auto_gain_target, -60, 0},
    {"auto_gain_limit", &koemorph_controls::auto_gain_limit, 0, 40},
    {"upper_strength", &koemorph_controls::upper_strength, 0, 4},
    {"lower_strength", &koemorph_controls::lower_strength, 0, 4},
    {"upper_smoothing", &koemorph_controls::upper_smoothing, 0, 2},
    {"lower_smoothing", &koemorph_controls::lower_smoothing, 0, 2},
    {"symmetry", &koemorph_controls::symmetry, 0, 1},
    {"lip_close_offset", &koemorph_controls::lip_close_offset, -1, 1},
    {"eyelid_offset", &koemorph_controls::eyelid_offset, -1, 1},
    {"transition_seconds", &koemorph_controls::transition_seconds, 0, 10},
    {"blink", &koemorph_controls::blink, 0, 2},
    {"blinks_per_minute", &koemorph_controls::blinks_per_minute, 0, 120},
    {"saccades", &koemorph_controls::saccades, 0, 2},
    {"brow_accents", &koemorph_controls::brow_accents, 0, 2},
    {"idle", &koemorph_controls::idle, 0, 2},
};

struct SwitchField {
  const char* name;
  int32_t koemorph_controls::* field;
};

constexpr SwitchField kSwitches[] = {
    {"gate", &koemorph_controls::gate},
    {"auto_gain", &koemorph_controls::auto_gain},
};

using PerBlendshape = float[KOEMORPH_BLENDSHAPE_COUNT];

struct TableField {
  const char* name;
  PerBlendshape koemorph_controls::* field;
  float minimum, maximum;
};

constexpr TableField kTables[] = {
    {"multiplier", &koemorph_controls::multiplier, -10, 10},
    {"offset", &koemorph_controls::offset, -1, 1},
    {"minimum", &koemorph_controls::minimum, 0, 1},
    {"maximum", &koemorph_controls::maximum, 0, 1},
};

Status outside(const std::string& what) {
  return {KOEMORPH_INVALID_ARGUMENT, "The controls' " + what + "."};
}

Status read_blendshape(const Json& place, const std::string& name, int* out) {
  *out = blendshape_index(name);
  if (*out >= 0) return {};
  return wrong(place, "\"" + name + "\" is not one of the 52 blendshapes");
}

Status read_table(const TableField& table, const Json& json, koemorph_controls* out) {
  if (json.kind != Json::Kind::kObject) {
    return wrong(json,
                 std::string(table.name) + " should be an object of blendshapes and numbers");
  }
  for (const auto& [name, value] : json.members) {
    int index = -1;
    Status status = read_blendshape(value, name, &index);
    if (status.ok()) {
      status = read_number(value, table.name + (" of " + name), table.minimum, table.maximum,
                           &(out->*table.field)[index]);
    }
    if (!status.ok()) return status;
  }
  return {};
}

// Calls use(index) for each name in an array of blendshapes' names.
template <typename Use>
Status for_each_blendshape(const char* what, const Json& json, Use use) {
  if (json.kind != Json::Kind::kArray) {
    return wrong(json, std::string(what) + " should be an array of blendshapes");
  }
  for (const Json& name : json.items) {
    int index = -1;
    if (name.kind != Json::Kind::kString) {
      return wrong(
          name, std::string(what) + " should hold blendshapes' names, not " + describe(name.kind));
    }
    if (Status status = read_blendshape(name, name.text, &index); !status.ok()) return status;
    use(index);
  }
  return {};
}

Status read_groups(const Json& json, koemorph_controls* out) {
  if (json.kind != Json::Kind::kArray || json.items.size() > 255) {
    return wrong(json, "cancel should be an array of at most 255 groups of blendshapes");
  }
  uint8_t group = 0;
  for (const Json& names : json.items) {
    ++group;
    const char* in_two = nullptr;
    Status status = for_each_blendshape("A cancel group", names, [&](int index) {
      uint8_t& known = out->cancel_group[index];
      if (known != 0 && known != group) in_two = kBlendshapeNames[index];
      known = group;
    });
    if (!status.ok()) return status;
    if (in_two != nullptr) {
      return wrong(names, "\"" + std::string(in_two) + "\" may be in one cancel group only");
    }
  }
  return {};
}

Status read_seed(const Json& json, uint32_t* out) {
  constexpr double kLargest = 4294967295.0;
  const double seed = json.number;
  if (json.kind != Json::Kind::kNumber || seed != std::floor(seed) || seed < 0.0 ||
      seed > kLargest) {
    return wrong(json, "seed should be between 0 and 4294967295, without a fraction");
  }
  *out = static_cast<uint32_t>(seed);
  return {};
}

Status read_member(const std::string& name, const Json& value, koemorph_controls* out) {
  for (const NumberField& number : kNumbers) {
    if (name == number.name) {
      return read_number(value, name, number.minimum, number.maximum, &(out->*number.field));
    }
  }
  for (const SwitchField& one : kSwitches) {
    if (name != one.name) continue;
    if (value.kind != Json::Kind::kBoolean) return wrong(value, name + " should be true or false");
    out->*one.field = value.boolean ? 1 : 0;
    return {};
  }
  for (const TableField& table : kTables) {
    if (name == table.name) return read_table(table, value, out);
  }
  if (name == "inactive") {
    return for_each_blendshape("inactive", value, [out](int index) { out->active[index] = 0; });
  }
  if (name == "cancel") return read_groups(value, out);
  if (name == "seed") return read_seed(value, &out->seed);
  return wrong(value, "Controls have no \"" + name + "\"");
}

}  // namespace

koemorph_controls default_controls() {
  koemorph_controls controls{};
  controls.size = sizeof controls;
  controls.input_strength = 1.0f;
  controls.gate_margin = 9.0f;
  controls.gate_hold = 0.25f;
  controls.gate_ceiling = -45.0f;
  controls.auto_gain_target = -23.0f;
  controls.auto_gain_limit = 12.0f;
  controls.upper_strength = 1.0f;
  controls.lower_strength = 1.0f;
  controls.transition_seconds = 0.2f;
  for (int i = 0; i < kBlendshapeCount; ++i) {
    controls.multiplier[i] = 1.0f;
    controls.maximum[i] = 1.0f;
    controls.active[i] = 1;
  }
  controls.blink = 1.0f;
  controls.blinks_per_minute = 20.0f;
  return controls;
}

Status check_controls(const koemorph_controls& controls) {
  for (const NumberField& number : kNumbers) {
    const float value = controls.*number.field;
    if (!(value >= number.minimum && value <= number.maximum)) {
      return outside(std::string(number.name) + " is outside its range");
    }
  }
  for (const TableField& table : kTables) {
    for (int i = 0; i < kBlendshapeCount; ++i) {
      const float value = (controls.*table.field)[i];
      if (!(value >= table.minimum && value <= table.maximum)) {
        return outside(std::string(table.name) + " of " + kBlendshapeNames[i] +
                       " is outside its range");
      }
    }
  }
  for (int i = 0; i < kBlendshapeCount; ++i) {
    if (controls.minimum[i] > controls.maximum[i]) {
      return outside(std::string("minimum of ") + kBlendshapeNames[i] + " is above its maximum");
    }
  }
  return {};
}

Status read_preset(std::string_view text, koemorph_controls* out) {
  Json file;
  std::string name;
  Status status = parse_json(text, &file);
  if (status.ok()) status = check_settings_file(file, "preset", {"controls"}, &name);
  if (!status.ok()) return status;
  const Json* members = file.find("controls");
  if (members == nullptr || members->kind != Json::Kind::kObject) {
    return wrong(file, "A preset needs an object of \"controls\"");
  }
  koemorph_controls read = default_controls();
  for (const auto& [key, value] : members->members) {
    status = read_member(key, value, &read);
    if (!status.ok()) return status;
  }
  status = check_controls(read);
  if (status.ok()) *out = read;
  return status;
}

}  // namespace koemorph
