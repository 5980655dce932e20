#include "face/face.h"

#include <array>
#include <string>
#include <utility>

namespace koemorph {
namespace {

bool starts_with(std::string_view text, std::string_view start) {
  return text.substr(0, start.size()) == start;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

int find_mirror(int index) {
  const std::string_view name = kBlendshapeNames[index];
  if (starts_with(name, "eyeLookIn") || starts_with(name, "eyeLookOut")) return index;
  constexpr std::string_view kLeft = "Left";
  constexpr std::string_view kRight = "Right";
  for (const auto& [from, to] : {std::pair(kLeft, kRight), std::pair(kRight, kLeft)}) {
    if (!ends_with(name, from)) continue;
    return blendshape_index(std::string(name.substr(0, name.size() - from.size())).append(to));
  }
  return index;
}

}  // namespace

int blendshape_index(std::string_view name) {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    if (name == kBlendshapeNames[i]) return i;
  }
  return -1;
}

bool is_upper_face(int index) {
  const std::string_view name = kBlendshapeNames[index];
  return starts_with(name, "eye") || starts_with(name, "brow") || starts_with(name, "cheekSquint");
}

int mirror_of(int index) {
  static const std::array<int, kBlendshapeCount> mirrors = [] {
    std::array<int, kBlendshapeCount> found{};
    for (int i = 0; i < kBlendshapeCount; ++i) found[i] = find_mirror(i);
    return found;
  }();
  return mirrors[index];
}

}  // namespace koemorph
