#include "retarget/settings_file.h"

#include <algorithm>

namespace koemorph {

Status json_error(const Json& json, const std::string& what) {
  return {KOEMORPH_INVALID_ARGUMENT, what + " (" + position_of(json) + ")."};
}

Status check_settings_file(const Json& file, std::string_view kind,
                           std::initializer_list<std::string_view> parts, std::string* name) {
  const std::string what(kind);
  const Json* file_kind = file.find("koemorph");
  if (file_kind == nullptr || file_kind->text != kind) {
    return json_error(file,
                      "Not a KoeMorph " + what + " file: it lacks \"koemorph\": \"" + what + "\"");
  }
  const Json* version = file.find("version");
  if (version == nullptr || version->number != 1.0) {
    return json_error(version == nullptr ? file : *version,
                      "Unsupported file version: expected \"version\": 1");
  }
  const Json* file_name = file.find("name");
  if (file_name == nullptr || file_name->text.empty()) {
    return json_error(file_name == nullptr ? file : *file_name,
                      "A " + what + " file needs a \"name\"");
  }
  const auto is_member = [&parts](const std::string& key) {
    return key == "koemorph" || key == "version" || key == "name" || key == "description" ||
           key == "source" || std::find(parts.begin(), parts.end(), key) != parts.end();
  };
  for (const auto& [key, value] : file.members) {
    if (!is_member(key)) return json_error(value, "A " + what + " file has no \"" + key + "\"");
  }
  *name = file_name->text;
  return {};
}

Status read_number(const Json& value, const std::string& what, float minimum, float maximum,
                   float* out) {
  if (value.kind != Json::Kind::kNumber) {
    return json_error(value, what + " should be a number, not " + describe(value.kind));
  }
  const auto number = static_cast<float>(value.number);
  if (!(number >= minimum && number <= maximum)) {
    return json_error(value, what + " should be between " + short_number(minimum) + " and " +
                                 short_number(maximum));
  }
  *out = number;
  return {};
}

}  // namespace koemorph
