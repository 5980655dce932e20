// The one definition of the controls: name, unit, range, default and description of every field of
// koemorph_controls. Defaults, validation, presets, koemorph_control_get_info and the bindings use
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <type_traits>

#include "koemorph.h"

namespace koemorph {

struct ControlField {
  const char* name;
  const char* unit;  // "" for factors and other plain numbers
  koemorph_control_type type;
  bool per_blendshape;
  size_t offset, size;  // bytes, in koemorph_controls
  double minimum, maximum, default_value;
  const char* description;
};

template <typename Field>
constexpr ControlField control_field(const char* name, const char* unit, size_t offset,
                                     double minimum, double maximum, double default_value,
                                     const char* description) {
  using Value = std::remove_extent_t<Field>;
  // The C API has no bool: a switch is an int32_t, or a uint8_t per blend shape.
  constexpr bool is_number = std::is_same_v<Value, float>;
  const bool is_switch = !is_number && minimum == 0.0 && maximum == 1.0;
  return {name,
          unit,
          is_number   ? KOEMORPH_CONTROL_NUMBER
          : is_switch ? KOEMORPH_CONTROL_SWITCH
                      : KOEMORPH_CONTROL_INTEGER,
          std::is_array_v<Field>,
          offset,
          sizeof(Field),
          minimum,
          maximum,
          default_value,
          description};
}

#define KOEMORPH_CONTROL(name, unit, minimum, maximum, default_value, description)                 \
  control_field<decltype(koemorph_controls::name)>(#name, unit, offsetof(koemorph_controls, name), \
                                                   minimum, maximum, default_value, description)

// clang-format off
inline constexpr ControlField kControlFields[] = {
    KOEMORPH_CONTROL(input_strength, "", 0, 10, 1, "Linear gain of the input audio."),
    KOEMORPH_CONTROL(gate, "", 0, 1, 0, "Noise gate: mutes the input near the noise floor."),
    KOEMORPH_CONTROL(gate_margin, "dB", 1, 40, 9, "Level above the tracked noise floor at which the gate opens."),
    KOEMORPH_CONTROL(gate_hold, "s", 0, 5, 0.25, "Time that the gate stays open after speech."),
    KOEMORPH_CONTROL(gate_ceiling, "dBFS", -90, 0, -45, "Upper limit of the noise floor estimate."),
    KOEMORPH_CONTROL(auto_gain, "", 0, 1, 0, "Automatic gain towards auto_gain_target."),
    KOEMORPH_CONTROL(auto_gain_target, "dBFS", -60, 0, -23, "RMS level of speech that the automatic gain aims for."),
    KOEMORPH_CONTROL(auto_gain_limit, "dB", 0, 40, 12, "Largest change of the automatic gain, up or down."),
    KOEMORPH_CONTROL(upper_strength, "", 0, 4, 1, "Factor for the upper face: eyes, brows, cheek squint."),
    KOEMORPH_CONTROL(lower_strength, "", 0, 4, 1, "Factor for the lower face: all other blend shapes."),
    KOEMORPH_CONTROL(upper_smoothing, "s", 0, 2, 0, "Time constant of additional smoothing of the upper face."),
    KOEMORPH_CONTROL(lower_smoothing, "s", 0, 2, 0, "Time constant of additional smoothing of the lower face."),
    KOEMORPH_CONTROL(symmetry, "", 0, 1, 0, "0: left and right as predicted. 1: left and right equal."),
    KOEMORPH_CONTROL(lip_close_offset, "", -1, 1, 0, "Above 0 closes the lips, below 0 parts them."),
    KOEMORPH_CONTROL(eyelid_offset, "", -1, 1, 0, "Above 0 opens the eyes wider, below 0 closes them."),
    KOEMORPH_CONTROL(transition_seconds, "s", 0, 10, 0.2, "Time over which a change of the controls takes effect."),
    KOEMORPH_CONTROL(multiplier, "", -10, 10, 1, "Factor for one blend shape."),
    KOEMORPH_CONTROL(offset, "", -1, 1, 0, "Value added after the multiplier."),
    KOEMORPH_CONTROL(minimum, "", 0, 1, 0, "Lower limit after multiplier and offset."),
    KOEMORPH_CONTROL(maximum, "", 0, 1, 1, "Upper limit after multiplier and offset; not below minimum."),
    KOEMORPH_CONTROL(active, "", 0, 1, 1, "0: the weight stays 0."),
    KOEMORPH_CONTROL(cancel_group, "", 0, 255, 0, "Blend shapes of the same group exclude each other: the strongest keeps the difference to the second, the others get 0. 0: no group."),
    KOEMORPH_CONTROL(blink, "", 0, 2, 1, "Strength of added blinks."),
    KOEMORPH_CONTROL(blinks_per_minute, "1/min", 0, 120, 20, "Mean rate of added blinks."),
    KOEMORPH_CONTROL(saccades, "", 0, 2, 0, "Strength of added eye movements."),
    KOEMORPH_CONTROL(brow_accents, "", 0, 2, 0, "Strength of added brow raises on speech accents."),
    KOEMORPH_CONTROL(idle, "", 0, 2, 0, "Strength of the slow drift of brows, eyelids and mouth corners."),
    KOEMORPH_CONTROL(seed, "", 0, 4294967295.0, 0, "Random seed of the idle motion; read before the first frame and at a reset."),
};
// clang-format on

#undef KOEMORPH_CONTROL

// The table has every field of koemorph_controls, in its order and without gaps.
constexpr bool controls_table_is_complete() {
  size_t end = sizeof(koemorph_controls::size);
  for (const ControlField& field : kControlFields) {
    if (field.offset != end) return false;
    end += field.size;
  }
  return end == sizeof(koemorph_controls);
}
static_assert(controls_table_is_complete());

// The control of this name, or NULL.
const ControlField* find_control(const char* name);

// Value of a field; blendshape is ignored by fields with one value.
double get_control(const koemorph_controls& controls, const ControlField& field, int blendshape);
void set_control(koemorph_controls* controls, const ControlField& field, int blendshape,
                 double value);

}  // namespace koemorph
