#include "koemorph.hpp"
#include "unit.h"

KOEMORPH_TESTS(control_info) {
  const std::vector<koemorph_control_info> infos = koemorph::control_info();
  EXPECT(std::string(infos.front().name) == "input_strength");
  EXPECT(std::string(infos.back().name) == "seed");
  koemorph_control_info info{};
  EXPECT(koemorph_control_get_info(0, &info) == KOEMORPH_INVALID_ARGUMENT);  // no size
  info.size = sizeof info;
  EXPECT(koemorph_control_get_info(-1, &info) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_control_get_info(koemorph_control_count(), &info) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_control_get_info(0, nullptr) == KOEMORPH_INVALID_ARGUMENT);
}
