// What retarget maps and presets have in common: JSON files that say what they are.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>

#include "util/json.h"
#include "util/status.h"

namespace koemorph {

// A failure that names the place: "<what> (line 3, column 5)."
Status wrong(const Json& place, const std::string& what);

// Checks "koemorph": `kind`, "version": 1 and a "name", which goes to *name, and that there is
// nothing else at the top but "description", "source" and the `parts`.
Status check_settings_file(const Json& file, std::string_view kind,
                           std::initializer_list<std::string_view> parts, std::string* name);

// Reads a number of `minimum`..`maximum`; `what` names it in the error.
Status read_number(const Json& value, const std::string& what, float minimum, float maximum,
                   float* out);

}  // namespace koemorph
