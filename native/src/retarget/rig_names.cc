#include "retarget/rig_names.h"

#include <algorithm>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "face/blendshapes.h"

namespace koemorph {
namespace {

constexpr size_t kMinSuffix = 5;  // shorter ones match by accident: "A" in "Head_A"

// ASCII only: std::tolower depends on the locale of the game.
bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
char to_lower(char c) { return is_upper(c) ? static_cast<char>(c - 'A' + 'a') : c; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
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

// Lower case without separators, sides written out: "Mouth_Smile_L" and "mouthSmileLeft" both
// become "mouthsmileleft".
std::string normalized(std::string_view name) {
  const std::string_view side = take_side(&name);
  std::string lower;
  for (const char c : name) {
    if (!is_separator(c)) lower.push_back(to_lower(c));
  }
  return lower.append(side);
}

// Length of the mesh prefix of a name: 5 for "Face.jawOpen", 0 without one.
size_t mesh_prefix(std::string_view name) {
  take_side(&name);
  const size_t end = name.find_last_of(".:|/");
  return end != std::string_view::npos && end + 1 < name.size() ? end + 1 : 0;
}

// Removes the suffix of a copy: digits (".001" of Blender, "0", "_12") or "_div2" (Daz). Returns ""
// when there is none, or when too little is left to be sure that the number is no part of the name.
std::string_view without_copy_suffix(std::string_view name) {
  size_t end = name.size();
  while (end > 0 && is_digit(name[end - 1])) --end;
  const size_t digits = name.size() - end;
  if (digits == 0) return "";
  const bool is_blender = digits == 3 && end > 0 && name[end - 1] == '.';
  if (end > 4 && name.substr(end - 4, 4) == "_div") end -= 4;
  while (end > 0 && is_separator(name[end - 1])) --end;
  return is_blender || end >= kMinSuffix ? name.substr(0, end) : "";
}

// "V_" is not a mesh prefix: Character Creator has a viseme "V_Tongue_Out" next to "Tongue_Out".
bool is_viseme_prefix(std::string_view prefix) {
  if (prefix.empty() || to_lower(prefix.back()) != 'v') return false;
  return prefix.size() == 1 || is_separator(prefix[prefix.size() - 2]);
}

class Matcher {
 public:
  explicit Matcher(const std::vector<std::string>& wanted) {
    for (size_t i = 0; i < wanted.size(); ++i) {
      exact_.emplace(wanted[i], static_cast<int>(i));
      const std::string plain = normalized(name_of(wanted[i]));
      normalized_.emplace(plain, static_cast<int>(i));
      add_shape(plain);
    }
    for (const char* const name : kBlendshapeNames) add_shape(normalized(name));
  }

  int find(std::string_view name) const {
    const int whole = find_whole(name);
    return whole >= 0 ? whole : find_end(name);
  }

 private:
  static std::string_view name_of(std::string_view name) { return name.substr(mesh_prefix(name)); }

  // Also without its side, for correctives such as "mouthSmile_cheekSquint_L".
  void add_shape(std::string name) {
    if (name.size() < kMinSuffix) return;
    for (const std::string_view side : {"left", "right"}) {
      if (name.size() < kMinSuffix + side.size()) continue;
      const size_t end = name.size() - side.size();
      if (name.compare(end, side.size(), side) == 0) sideless_.insert(name.substr(0, end));
    }
    shapes_.insert(std::move(name));
  }

  int find_whole(std::string_view name) const {
    const auto exact = exact_.find(std::string(name));
    if (exact != exact_.end()) return exact->second;
    const size_t prefix = mesh_prefix(name);
    if (is_corrective_prefix(name.substr(0, prefix), name)) return -1;
    const auto match = normalized_.find(normalized(name.substr(prefix)));
    return match != normalized_.end() ? match->second : -1;
  }

  int find_end(std::string_view name) const {
    // From the front, so that the longest end wins.
    for (size_t i = 1; i + kMinSuffix <= name.size(); ++i) {
      const std::string_view prefix = name.substr(0, i - 1);
      if (!is_separator(name[i - 1]) || is_viseme_prefix(prefix)) continue;
      const int found = find_whole(name.substr(i));
      if (found >= 0) return is_corrective_prefix(prefix, name) ? -1 : found;
    }
    return -1;
  }

  // Whether a prefix marks `name` as another shape than the one at its end.
  bool is_corrective_prefix(std::string_view prefix, std::string_view name) const {
    static constexpr std::string_view kWords[] = {
        "inv",        "inverse", "invert", "inverted", "neg",   "negative",
        "minus",      "anti",    "not",    "corr",     "cor",   "fix",
        "corrective", "cbs",     "combo",  "comb",     "combi", "combination"};
    const bool has_side = !take_side(&name).empty();
    std::vector<std::string_view> words;
    for (size_t begin = 0; begin <= prefix.size();) {
      size_t end = begin;
      while (end < prefix.size() && !is_separator(prefix[end])) ++end;
      if (end > begin) words.push_back(prefix.substr(begin, end - begin));
      begin = end + 1;
    }
    for (size_t first = 0; first < words.size(); ++first) {
      std::string part;
      for (size_t last = first; last < words.size(); ++last) {
        for (const char c : words[last]) part.push_back(to_lower(c));
        const bool is_word = first == last && std::find(std::begin(kWords), std::end(kWords),
                                                        part) != std::end(kWords);
        if (is_word || shapes_.count(part) > 0) return true;
        if (has_side && sideless_.count(part) > 0) return true;
        // "mouthSmile_L_jawOpen"
        const std::string_view text(words[first].data(),
                                    words[last].data() + words[last].size() - words[first].data());
        if (last > first && shapes_.count(normalized(text)) > 0) return true;
      }
    }
    return false;
  }

  std::unordered_map<std::string, int> exact_;
  std::unordered_map<std::string, int> normalized_;
  std::unordered_set<std::string> shapes_;    // normalized, long enough to be unambiguous
  std::unordered_set<std::string> sideless_;  // of these without "left" and "right"
};

}  // namespace

std::vector<int> match_shape_names(const std::vector<std::string>& wanted,
                                   const std::vector<std::string>& rig) {
  const Matcher matcher(wanted);
  std::vector<int> matches;
  matches.reserve(rig.size());
  std::unordered_map<std::string, int> uses;  // of a normalized name, without suffixes of copies
  for (const std::string& name : rig) {
    matches.push_back(matcher.find(name));
    const std::string_view original = without_copy_suffix(name);
    ++uses[normalized(matches.back() >= 0 || original.empty() ? name : original)];
  }
  for (size_t i = 0; i < rig.size(); ++i) {
    const std::string_view original = without_copy_suffix(rig[i]);
    if (matches[i] >= 0 || original.empty() || uses[normalized(original)] > 1) continue;
    matches[i] = matcher.find(original);
  }
  return matches;
}

}  // namespace koemorph
