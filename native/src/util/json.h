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
  std::vector<std::pair<std::string, Json>> members;  // in file order, names are unique
  int line = 0;  // position of the value, from 1; columns count bytes
  int column = 0;

  // The member of this name, or nullptr.
  const Json* find(std::string_view name) const;
};

// For error messages: "a string", "an object".
const char* describe(Json::Kind kind);

// "line 3, column 7".
std::string position_of(const Json& value);

// Reads a JSON text of at most 1 MiB and 16 nested levels, with or without a byte order mark.
// Rejects everything that RFC 8259 does not allow (comments, trailing commas, NaN), duplicate names
// in an object, invalid UTF-8 and numbers too large for a double. Numbers are within 2 ULP of the
// nearest double, independent of the locale. Errors are KOEMORPH_INVALID_ARGUMENT with line and
// column; `out` is then unchanged.
Status parse_json(std::string_view text, Json* out);

}  // namespace koemorph
