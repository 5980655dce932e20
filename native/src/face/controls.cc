#include "face/controls.h"

#include <cstring>
#include <string>

#include "face/blendshapes.h"
#include "face/controls_table.h"

namespace koemorph {
namespace {

int value_count(const ControlField& field) { return field.per_blendshape ? kBlendshapeCount : 1; }

// Calls use(value) with a reference to the value in `controls`, which has the type of the field.
template <typename Controls, typename Use>
void with_value(Controls* controls, const ControlField& field, int blendshape, Use use) {
  using Byte = std::conditional_t<std::is_const_v<Controls>, const char, char>;
  const size_t value_size = field.size / value_count(field);
  Byte* address = reinterpret_cast<Byte*>(controls) + field.offset;
  if (field.per_blendshape) address += blendshape * value_size;
  const auto as = [address](auto example) {
    using Value = decltype(example);
    using Pointer = std::conditional_t<std::is_const_v<Controls>, const Value*, Value*>;
    return reinterpret_cast<Pointer>(address);
  };
  if (field.type == KOEMORPH_CONTROL_NUMBER) {
    use(*as(float{}));
  } else if (value_size == sizeof(uint8_t)) {
    use(*as(uint8_t{}));
  } else if (field.type == KOEMORPH_CONTROL_SWITCH) {
    use(*as(int32_t{}));
  } else {
    use(*as(uint32_t{}));
  }
}

}  // namespace

const ControlField* find_control(const char* name) {
  for (const ControlField& field : kControlFields) {
    if (std::strcmp(name, field.name) == 0) return &field;
  }
  return nullptr;
}

double get_control(const koemorph_controls& controls, const ControlField& field, int blendshape) {
  double result = 0.0;
  with_value(&controls, field, blendshape,
             [&](const auto& value) { result = static_cast<double>(value); });
  return result;
}

void set_control(koemorph_controls* controls, const ControlField& field, int blendshape,
                 double value) {
  with_value(controls, field, blendshape,
             [&](auto& target) { target = static_cast<std::decay_t<decltype(target)>>(value); });
}

koemorph_controls default_controls() {
  koemorph_controls controls{};
  controls.size = sizeof controls;
  for (const ControlField& field : kControlFields) {
    for (int i = 0; i < value_count(field); ++i) {
      set_control(&controls, field, i, field.default_value);
    }
  }
  return controls;
}

Status check_controls(const koemorph_controls& controls) {
  for (const ControlField& field : kControlFields) {
    // Any value of a switch other than 0 means on.
    if (field.type == KOEMORPH_CONTROL_SWITCH) continue;
    for (int i = 0; i < value_count(field); ++i) {
      const double value = get_control(controls, field, i);
      if (value >= field.minimum && value <= field.maximum) continue;  // false for NaN
      std::string name = field.name;
      if (field.per_blendshape) name += std::string(" of ") + kBlendshapeNames[i];
      return {KOEMORPH_INVALID_ARGUMENT, name + " out of range: got " + short_number(value) +
                                             ", expected " + short_number(field.minimum) + " to " +
                                             short_number(field.maximum) + "."};
    }
  }
  for (int i = 0; i < kBlendshapeCount; ++i) {
    if (controls.minimum[i] <= controls.maximum[i]) continue;
    return {KOEMORPH_INVALID_ARGUMENT,
            std::string("minimum of ") + kBlendshapeNames[i] + " out of range: got " +
                short_number(controls.minimum[i]) + ", expected at most its maximum " +
                short_number(controls.maximum[i]) + "."};
  }
  return {};
}

}  // namespace koemorph
