// Preset files of the controls.
#include <cmath>
#include <cstdint>
#include <string>

#include "face/controls.h"
#include "face/controls_table.h"
#include "face/face.h"
#include "retarget/settings_file.h"
#include "util/json.h"

namespace koemorph {
namespace {

Status read_blendshape(const Json& json, const std::string& name, int* out) {
  *out = blendshape_index(name);
  if (*out >= 0) return {};
  return json_error(json, "\"" + name + "\" is not one of the 52 blend shapes");
}

Status read_per_blendshape(const ControlField& field, const Json& json, koemorph_controls* out) {
  if (json.kind != Json::Kind::kObject) {
    return json_error(
        json, std::string(field.name) + " should be an object of blend shape names and numbers");
  }
  for (const auto& [name, value] : json.members) {
    int index = -1;
    Status status = read_blendshape(value, name, &index);
    float number = 0.0f;
    if (status.ok()) {
      status = read_number(value, std::string(field.name) + " of " + name,
                           static_cast<float>(field.minimum), static_cast<float>(field.maximum),
                           &number);
    }
    if (!status.ok()) return status;
    set_control(out, field, index, static_cast<double>(number));
  }
  return {};
}

// Calls use(index) for each name in an array of blend shape names.
template <typename Use>
Status for_each_blendshape(const char* what, const Json& json, Use use) {
  if (json.kind != Json::Kind::kArray) {
    return json_error(json, std::string(what) + " should be an array of blend shape names");
  }
  for (const Json& name : json.items) {
    int index = -1;
    if (name.kind != Json::Kind::kString) {
      return json_error(name, std::string(what) + " should contain blend shape names, not " +
                                  describe(name.kind));
    }
    if (Status status = read_blendshape(name, name.text, &index); !status.ok()) return status;
    use(index);
  }
  return {};
}

Status read_groups(const Json& json, koemorph_controls* out) {
  if (json.kind != Json::Kind::kArray || json.items.size() > 255) {
    return json_error(json, "cancel should be an array of at most 255 groups of blend shape names");
  }
  uint8_t group = 0;
  for (const Json& names : json.items) {
    ++group;
    const char* in_two = nullptr;
    Status status = for_each_blendshape("A cancel group", names, [&](int index) {
      uint8_t& previous = out->cancel_group[index];
      if (previous != 0 && previous != group) in_two = kBlendshapeNames[index];
      previous = group;
    });
    if (!status.ok()) return status;
    if (in_two != nullptr) {
      return json_error(names,
                        "\"" + std::string(in_two) + "\" is in two cancel groups; one is allowed");
    }
  }
  return {};
}

Status read_integer(const ControlField& field, const Json& json, koemorph_controls* out) {
  const double value = json.number;
  if (json.kind != Json::Kind::kNumber || value != std::floor(value) || value < field.minimum ||
      value > field.maximum) {
    return json_error(json, std::string(field.name) + " should be an integer from " +
                                std::to_string(static_cast<int64_t>(field.minimum)) + " to " +
                                std::to_string(static_cast<int64_t>(field.maximum)));
  }
  set_control(out, field, 0, value);
  return {};
}

Status read_member(const std::string& name, const Json& value, koemorph_controls* out) {
  if (name == "inactive") {
    return for_each_blendshape("inactive", value, [out](int index) { out->active[index] = 0; });
  }
  if (name == "cancel") return read_groups(value, out);
  const ControlField* field = find_control(name.c_str());
  // Presets have "inactive" and "cancel" instead of these two.
  if (field == nullptr || name == "active" || name == "cancel_group") {
    return json_error(value, "There is no control \"" + name + "\"");
  }
  if (field->per_blendshape) return read_per_blendshape(*field, value, out);
  if (field->type == KOEMORPH_CONTROL_INTEGER) return read_integer(*field, value, out);
  if (field->type == KOEMORPH_CONTROL_SWITCH) {
    if (value.kind != Json::Kind::kBoolean) {
      return json_error(value, name + " should be true or false");
    }
    set_control(out, *field, 0, value.boolean ? 1.0 : 0.0);
    return {};
  }
  float number = 0.0f;
  const Status status = read_number(value, name, static_cast<float>(field->minimum),
                                    static_cast<float>(field->maximum), &number);
  if (status.ok()) set_control(out, *field, 0, static_cast<double>(number));
  return status;
}

}  // namespace

Status read_preset(std::string_view text, koemorph_controls* out) {
  Json file;
  std::string name;
  Status status = parse_json(text, &file);
  if (status.ok()) status = check_settings_file(file, "preset", {"controls"}, &name);
  if (!status.ok()) return status;
  const Json* members = file.find("controls");
  if (members == nullptr || members->kind != Json::Kind::kObject) {
    return json_error(file, "A preset needs an object \"controls\"");
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
