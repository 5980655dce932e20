#include "retarget/rig_names.h"

#include <string_view>
#include <unordered_map>

namespace koemorph {
namespace {

constexpr size_t kMinSuffix = 5;  // shorter ones match by accident: "A" in "Head_A"

// ASCII only: std::tolower depends on the locale of the game.
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_separator(char c) {
  return c == '_' || c == '-' || c == ' ' || c == '.' || c == ':' || c == '|' || c == '/';
}

// Removes a side suffix ("_L", ".R", " l", the L of "mouthSmileL"); returns "left", "right" or "".
std::string_view take_side(std::string_view* name) {
  const size_t size = name->size();
  if (size < 3) return "";
  const char side = name->back();
  const char before = (*name)[size - 2];
  if (to_lower(side) != 'l' && to_lower(side) != 'r') return "";
  const bool is_camel_case = is_upper(side) && is_lower(before);
  if (!is_separator(before) && !is_camel_case) return "";
  name->remove_suffix(is_camel_case ? 1 : 2);
  return to_lower(side) == 'l' ? "left" : "right";
}

// Lower case without separators and mesh prefix, sides written out: "Face.Mouth_Smile_L" and
// "mouthSmileLeft" both become "mouthsmileleft".
std::string normalized_shape_name(std::string_view name) {
  const std::string_view side = take_side(&name);
  const size_t prefix = name.find_last_of(".:|/");
  if (prefix != std::string_view::npos && prefix + 1 < name.size()) name.remove_prefix(prefix + 1);
  std::string normalized;
  for (const char c : name) {
    if (!is_separator(c)) normalized.push_back(to_lower(c));
  }
  return normalized.append(side);
}

// "V_" is not a mesh prefix: Character Creator has a viseme "V_Tongue_Out" next to "Tongue_Out".
bool is_viseme_prefix(std::string_view prefix) {
  if (prefix.empty() || to_lower(prefix.back()) != 'v') return false;
  return prefix.size() == 1 || is_separator(prefix[prefix.size() - 2]);
}

}  // namespace

std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig) {
  std::unordered_map<std::string, int> exact;
  std::unordered_map<std::string, int> normalized;
  for (size_t i = 0; i < wanted.size(); ++i) {
    exact.emplace(wanted[i], static_cast<int>(i));
    normalized.emplace(normalized_shape_name(wanted[i]), static_cast<int>(i));
  }
  const auto find = [&](const std::string& name) {
    const auto exact_match = exact.find(name);
    if (exact_match != exact.end()) return exact_match->second;
    const auto match = normalized.find(normalized_shape_name(name));
    return match != normalized.end() ? match->second : -1;
  };
  const auto find_suffix = [&](const std::string& name) {
    const std::string_view whole = name;
    // From the front, so that the longest suffix wins.
    for (size_t i = 1; i + kMinSuffix <= name.size(); ++i) {
      if (!is_separator(name[i - 1]) || is_viseme_prefix(whole.substr(0, i - 1))) continue;
      if (const int found = find(name.substr(i)); found >= 0) return found;
    }
    return -1;
  };
  std::vector<int> matches;
  matches.reserve(rig.size());
  for (const std::string& name : rig) {
    const int whole = find(name);
    matches.push_back(whole >= 0 ? whole : find_suffix(name));
  }
  return matches;
}

}  // namespace koemorph
