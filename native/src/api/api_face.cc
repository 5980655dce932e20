// The C ABI of what happens to a face after the model: controls, relaxing, retarget maps.
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "api/api_support.h"
#include "face/controls.h"

using koemorph::crossed;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::ScopedEntry;

namespace {

// How far a relax or resume may reach, in seconds; also keeps NaN and Inf out.
bool is_time(double seconds) { return std::abs(seconds) <= 1e9; }

}  // namespace

extern "C" {

void koemorph_controls_init(koemorph_controls* controls) {
  if (controls != nullptr) *controls = koemorph::default_controls();
}

koemorph_result koemorph_controls_from_preset(const char* json, uint64_t size,
                                              koemorph_controls* out) {
  if (json == nullptr || out == nullptr) {
    return invalid("koemorph_controls_from_preset needs a JSON text and a place for the controls.");
  }
  return guarded([&] {
    return finish(koemorph::read_preset(std::string_view(json, static_cast<size_t>(size)), out));
  });
}

koemorph_result koemorph_stream_set_controls(koemorph_stream* stream,
                                             const koemorph_controls* controls) {
  if (stream == nullptr) return invalid("koemorph_stream_set_controls needs a stream.");
  koemorph_controls full = koemorph::default_controls();
  if (!koemorph::copy_config(controls, &full)) {
    return invalid("koemorph_stream_set_controls needs controls made by koemorph_controls_init.");
  }
  return guarded([&] {
    const koemorph::Status status = koemorph::check_controls(full);
    if (!status.ok()) return finish(status);
    const ScopedEntry visit(stream->stream.game_guard());
    if (!visit) return crossed();
    stream->stream.set_controls(full);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_fade_out(koemorph_stream* stream, double playback_time,
                                      double seconds) {
  if (stream == nullptr || !is_time(playback_time) || !is_time(seconds) || seconds < 0.0) {
    return invalid("koemorph_stream_fade_out needs a stream, a time and seconds >= 0.");
  }
  const ScopedEntry visit(stream->stream.game_guard());
  if (!visit) return crossed();
  stream->stream.fade().fade_out(playback_time, seconds);
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_fade_in(koemorph_stream* stream, double playback_time,
                                       double seconds) {
  if (stream == nullptr || !is_time(playback_time) || !is_time(seconds) || seconds < 0.0) {
    return invalid("koemorph_stream_fade_in needs a stream, a time and seconds >= 0.");
  }
  const ScopedEntry visit(stream->stream.game_guard());
  if (!visit) return crossed();
  stream->stream.fade().fade_in(playback_time, seconds);
  return KOEMORPH_OK;
}

koemorph_result koemorph_retarget_map_load(const char* json, uint64_t size,
                                       const char* const* rig_names, int32_t rig_count,
                                       koemorph_retarget_map** out) {
  if (json == nullptr || out == nullptr || rig_count < 0 ||
      (rig_names == nullptr && rig_count > 0)) {
    return invalid(
        "koemorph_retarget_map_load needs a JSON text, rig_count names and a place for the map.");
  }
  return guarded([&] {
    std::vector<std::string> names;
    for (int32_t i = 0; i < rig_count; ++i) {
      if (rig_names[i] == nullptr) return invalid("A name of the rig is NULL.");
      names.emplace_back(rig_names[i]);
    }
    auto made = std::make_unique<koemorph_retarget_map>();
    const std::string_view text(json, static_cast<size_t>(size));
    const koemorph::Status status = koemorph::Retarget::load(text, &made->map);
    if (!status.ok()) return finish(status);
    if (rig_names != nullptr) made->map.match_rig(names);
    *out = made.release();
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

koemorph_result koemorph_retarget_map_apply(const koemorph_retarget_map* map, const float* blendshapes,
                                        float* weights, int32_t n) {
  if (map == nullptr || blendshapes == nullptr || weights == nullptr || n < 0) {
    return invalid(
        "koemorph_retarget_map_apply needs a map, 52 blendshapes and room for n >= 0 weights.");
  }
  map->map.apply(blendshapes, weights, n);
  return KOEMORPH_OK;
}

}  // extern "C"
