// Any bytes as a preset file.
#include <cstdint>
#include <cstdlib>
#include <string_view>
#include <vector>

#include "face/controls.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  koemorph_controls controls;
  if (koemorph::read_preset(text, &controls).ok() && !koemorph::check_controls(controls).ok()) {
    std::abort();
  }
  return 0;
}
