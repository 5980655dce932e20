// The common part of retarget map and preset files.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "util/json.h"
#include "util/status.h"

namespace koemorph {

// An error with its position: "<what> (line 3, column 5)."
Status json_error(const Json& json, const std::string& what);

// Checks "koemorph": `kind`, "version": 1 and "name", which is written to *name, and that the only
// other members of the file are "description", "source" and the `parts`.
Status check_settings_file(const Json& file, std::string_view kind,
                           std::initializer_list<std::string_view> parts, std::string* name);

// Reads a number from `minimum` to `maximum`; `what` is its name in the error message.
Status read_number(const Json& value, const std::string& what, float minimum, float maximum,
                   float* out);

}  // namespace koemorph
