// A small, strict JSON reader (RFC 8259) for retarget maps and presets.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "util/status.h"

namespace koemorph {

struct Json {
  enum class Kind { kNull, kBoolean, kNumber, kString, kArray, kObject };

  Kind kind = Kind::kNull;
  bool boolean = false;
  double number = 0.0;  // finite
  std::string text;     // UTF-8
  std::vector<Json> items;
  std::vector<std::pair<std::string, Json>> members;  // in the file's order, names are unique
  int line = 0;  // where the value begins, from 1; columns count bytes
  int column = 0;

  // The member of this name, or nullptr.
  const Json* find(std::string_view name) const;
};

// A few words for an error message: "a string", "an object".
const char* describe(Json::Kind kind);

// "line 3, column 7", to begin or end a sentence with.
std::string place_of(const Json& value);

// Reads one JSON text of at most 1 MiB, nested at most 16 deep, with or without a byte order mark
// in front, as Windows' editors put it there. Refuses what RFC 8259 does not
// allow (comments, trailing commas, NaN), names that occur twice in one object, invalid UTF-8, and
// numbers too large for a double. Numbers are within 2 units in the last place of the nearest
// double, whatever the locale. KOEMORPH_INVALID_ARGUMENT with line and column; `out` is then
// unchanged.
Status parse_json(std::string_view text, Json* out);

}  // namespace koemorph
