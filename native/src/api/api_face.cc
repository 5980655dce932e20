// The C API of the stages after the model: controls, fades, retarget maps.
#include <cmath>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_support.h"
#include "face/controls.h"
#include "face/controls_table.h"

using koemorph::concurrent_call;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::ScopedEntry;

namespace {

// False for NaN and infinity as well.
bool is_time(double seconds) { return std::abs(seconds) <= 1e9; }

koemorph_result check_fade(const char* function, const koemorph_stream* stream,
                           double playback_time, double seconds) {
  if (stream == nullptr) return invalid("%s: stream is NULL.", function);
  if (is_time(playback_time) && is_time(seconds) && seconds >= 0.0) return KOEMORPH_OK;
  return invalid(
      "%s: playback_time or seconds out of range: expected times up to 1e9 s and seconds >= 0.",
      function);
}

}  // namespace

extern "C" {

int32_t koemorph_control_count(void) {
  return static_cast<int32_t>(std::size(koemorph::kControlFields));
}

koemorph_result koemorph_control_get_info(int32_t index, koemorph_control_info* info) {
  if (index < 0 || index >= koemorph_control_count()) {
    return invalid("index out of range: got %d, expected 0 to %d.", index,
                   koemorph_control_count() - 1);
  }
  const koemorph::ControlField& field = koemorph::kControlFields[index];
  koemorph_control_info full{};
  full.type = field.type;
  full.per_blendshape = field.per_blendshape ? 1 : 0;
  full.offset = static_cast<uint32_t>(field.offset);
  full.minimum = field.minimum;
  full.maximum = field.maximum;
  full.default_value = field.default_value;
  full.name = field.name;
  full.unit = field.unit;
  full.description = field.description;
  if (koemorph::write_info(full, info)) return KOEMORPH_OK;
  return invalid("koemorph_control_get_info: info is NULL or info->size is not set.");
}

void koemorph_controls_init(koemorph_controls* controls) {
  if (controls != nullptr) *controls = koemorph::default_controls();
}

koemorph_result koemorph_controls_from_preset(const char* json, uint64_t size,
                                              koemorph_controls* out) {
  if (json == nullptr || out == nullptr) {
    return invalid("koemorph_controls_from_preset: json or out is NULL.");
  }
  return guarded([&] {
    return finish(koemorph::read_preset(std::string_view(json, static_cast<size_t>(size)), out));
  });
}

koemorph_result koemorph_stream_set_controls(koemorph_stream* stream,
                                             const koemorph_controls* controls) {
  if (stream == nullptr) return invalid("koemorph_stream_set_controls: stream is NULL.");
  koemorph_controls full = koemorph::default_controls();
  if (!koemorph::copy_config(controls, &full)) {
    return invalid(
        "koemorph_stream_set_controls: controls is NULL or its size is not set. Call "
        "koemorph_controls_init.");
  }
  return guarded([&] {
    const koemorph::Status status = koemorph::check_controls(full);
    if (!status.ok()) return finish(status);
    const ScopedEntry entry(stream->stream.game_guard());
    if (!entry) return concurrent_call();
    stream->stream.set_controls(full);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_fade_out(koemorph_stream* stream, double playback_time,
                                         double seconds) {
  const koemorph_result checked =
      check_fade("koemorph_stream_fade_out", stream, playback_time, seconds);
  if (checked != KOEMORPH_OK) return checked;
  const ScopedEntry entry(stream->stream.game_guard());
  if (!entry) return concurrent_call();
  stream->stream.fade().fade_out(playback_time, seconds);
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_fade_in(koemorph_stream* stream, double playback_time,
                                        double seconds) {
  const koemorph_result checked =
      check_fade("koemorph_stream_fade_in", stream, playback_time, seconds);
  if (checked != KOEMORPH_OK) return checked;
  const ScopedEntry entry(stream->stream.game_guard());
  if (!entry) return concurrent_call();
  stream->stream.fade().fade_in(playback_time, seconds);
  return KOEMORPH_OK;
}

koemorph_result koemorph_retarget_map_load(const char* json, uint64_t size,
                                           const char* const* rig_names, int32_t rig_count,
                                           koemorph_retarget_map** out) {
  if (json == nullptr || out == nullptr || rig_count < 0 ||
      (rig_names == nullptr && rig_count > 0)) {
    return invalid(
        "koemorph_retarget_map_load: json or out is NULL, or rig_names does not match rig_count "
        "(%d).",
        rig_count);
  }
  return guarded([&] {
    std::vector<std::string> names;
    for (int32_t i = 0; i < rig_count; ++i) {
      if (rig_names[i] == nullptr) {
        return invalid("koemorph_retarget_map_load: rig_names[%d] is NULL.", i);
      }
      names.emplace_back(rig_names[i]);
    }
    auto map = std::make_unique<koemorph_retarget_map>();
    const std::string_view text(json, static_cast<size_t>(size));
    const koemorph::Status status = koemorph::RetargetMap::load(text, &map->map);
    if (!status.ok()) return finish(status);
    if (rig_names != nullptr) map->map.match_rig(names);
    *out = map.release();
    return KOEMORPH_OK;
  });
}

void koemorph_retarget_map_destroy(koemorph_retarget_map* map) { delete map; }

int32_t koemorph_retarget_map_count(const koemorph_retarget_map* map) {
  return map == nullptr ? 0 : map->map.size();
}

const char* koemorph_retarget_map_name(const koemorph_retarget_map* map, int32_t index) {
  if (map == nullptr || index < 0 || index >= map->map.size()) return nullptr;
  return map->map.output_name(index).c_str();
}

int32_t koemorph_retarget_map_is_driven(const koemorph_retarget_map* map, int32_t index) {
  if (map == nullptr || index < 0 || index >= map->map.size()) return 0;
  return map->map.is_driven(index) ? 1 : 0;
}

koemorph_result koemorph_retarget_map_apply(const koemorph_retarget_map* map,
                                            const float* blendshapes, float* weights,
                                            int32_t count) {
  if (map == nullptr || blendshapes == nullptr || weights == nullptr || count < 0) {
    return invalid("koemorph_retarget_map_apply: a pointer is NULL, or count is negative (%d).",
                   count);
  }
  map->map.apply(blendshapes, weights, count);
  return KOEMORPH_OK;
}

}  // extern "C"
