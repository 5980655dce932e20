#include "retarget/settings_file.h"

#include <algorithm>

namespace koemorph {

Status wrong(const Json& place, const std::string& what) {
  return {KOEMORPH_INVALID_ARGUMENT, what + " (" + place_of(place) + ")."};
}

Status check_settings_file(const Json& file, std::string_view kind,
                           std::initializer_list<std::string_view> parts, std::string* name) {
  const std::string what(kind);
  const Json* says = file.find("koemorph");
  if (says == nullptr || says->text != kind) {
    return wrong(file, "This is not a " + what + " file of KoeMorph: it lacks \"koemorph\": \"" +
                           what + "\"");
  }
  const Json* version = file.find("version");
  if (version == nullptr || version->number != 1.0) {
    return wrong(version == nullptr ? file : *version, "Only \"version\": 1 can be read");
  }
  const Json* named = file.find("name");
  if (named == nullptr || named->text.empty()) {
    return wrong(named == nullptr ? file : *named, "A " + what + " file needs a \"name\"");
  }
  const auto is_known = [&parts](const std::string& key) {
    return key == "koemorph" || key == "version" || key == "name" || key == "description" ||
           key == "source" || std::find(parts.begin(), parts.end(), key) != parts.end();
  };
  for (const auto& [key, value] : file.members) {
    if (!is_known(key)) return wrong(value, "A " + what + " file has no \"" + key + "\"");
  }
  *name = named->text;
  return {};
}

Status read_number(const Json& value, const std::string& what, float minimum, float maximum,
                   float* out) {
  if (value.kind != Json::Kind::kNumber) {
    return wrong(value, what + " should be a number, not " + describe(value.kind));
  }
  const auto number = static_cast<float>(value.number);
  if (!(number >= minimum && number <= maximum)) {
    return wrong(value, what + " should be between " + short_number(minimum) + " and " +
                            short_number(maximum));
  }
  *out = number;
  return {};
}

}  // namespace koemorph
