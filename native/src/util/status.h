// Errors as values inside the library; api.cc turns them into results and a sentence.
#pragma once

#include <string>
#include <utility>

#include "koemorph.h"

namespace koemorph {

struct [[nodiscard]] Status {
  koemorph_result result = KOEMORPH_OK;
  std::string message;  // a sentence for the user; "" when ok

  Status() = default;
  Status(koemorph_result code, std::string text) : result(code), message(std::move(text)) {}
  bool ok() const { return result == KOEMORPH_OK; }
};

// "0.5": a number for such a sentence, with a point whatever the game's locale.
std::string short_number(double value);

}  // namespace koemorph
