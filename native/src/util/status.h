// Errors as values; the C API converts them to a result and a message.
#pragma once

#include <string>
#include <utility>

#include "koemorph.h"

namespace koemorph {

struct [[nodiscard]] Status {
  koemorph_result result = KOEMORPH_OK;
  std::string message;  // for the user; "" when ok

  Status() = default;
  Status(koemorph_result code, std::string text) : result(code), message(std::move(text)) {}
  bool ok() const { return result == KOEMORPH_OK; }
};

// "0.5": a number for a message, with a decimal point in every locale.
std::string short_number(double value);

}  // namespace koemorph
