// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "Library.h"

#include <string>

namespace koemorph_plugin {
namespace {

#if KOEMORPH_STATIC
// A linker takes only referenced functions from an archive; these are the only references.
#define KOEMORPH_RESOLVE(name) (api->name = &::koemorph_##name, true)
#else
#define KOEMORPH_RESOLVE(name) Resolve(find, "koemorph_" #name, &api->name, error)

template <typename Function>
bool Resolve(const FindSymbol& find, const char* name, Function* function, std::string* error) {
  *function = reinterpret_cast<Function>(find(name));
  if (*function != nullptr) return true;
  *error = std::string("Outdated library: the koemorph library has no function ") + name +
           ". Replace it with the library of this release.";
  return false;
}
#endif

}  // namespace

bool LoadApi([[maybe_unused]] const FindSymbol& find, Api* api, std::string* error) {
  const bool complete =
      KOEMORPH_RESOLVE(version) && KOEMORPH_RESOLVE(error_message) &&
      KOEMORPH_RESOLVE(blendshape_name) && KOEMORPH_RESOLVE(model_config_init) &&
      KOEMORPH_RESOLVE(model_load) && KOEMORPH_RESOLVE(model_destroy) &&
      KOEMORPH_RESOLVE(stream_config_init) && KOEMORPH_RESOLVE(stream_create) &&
      KOEMORPH_RESOLVE(stream_destroy) && KOEMORPH_RESOLVE(stream_push) &&
      KOEMORPH_RESOLVE(stream_flush) && KOEMORPH_RESOLVE(stream_process) &&
      KOEMORPH_RESOLVE(stream_pull) && KOEMORPH_RESOLVE(stream_get_info) &&

      KOEMORPH_RESOLVE(player_config_init) && KOEMORPH_RESOLVE(player_create) &&
      KOEMORPH_RESOLVE(player_destroy) && KOEMORPH_RESOLVE(player_stream) &&
      KOEMORPH_RESOLVE(player_feed) && KOEMORPH_RESOLVE(player_update) &&
      KOEMORPH_RESOLVE(player_sample) && KOEMORPH_RESOLVE(player_get_state) &&
      KOEMORPH_RESOLVE(player_set_latency) && KOEMORPH_RESOLVE(player_set_controls) &&
      KOEMORPH_RESOLVE(player_fade_out) && KOEMORPH_RESOLVE(player_fade_in) &&
      KOEMORPH_RESOLVE(controls_from_preset) && KOEMORPH_RESOLVE(controls_init) &&
      KOEMORPH_RESOLVE(retarget_map_load) && KOEMORPH_RESOLVE(retarget_map_destroy) &&
      KOEMORPH_RESOLVE(retarget_map_count) && KOEMORPH_RESOLVE(retarget_map_name) &&
      KOEMORPH_RESOLVE(retarget_map_is_driven) && KOEMORPH_RESOLVE(retarget_map_apply);
  if (!complete) return false;
  // Before 1.0, another minor version may fill larger structs.
  const std::string compatible =
      std::to_string(KOEMORPH_VERSION_MAJOR) + "." + std::to_string(KOEMORPH_VERSION_MINOR) + ".";
  if (std::string(api->version()).compare(0, compatible.size(), compatible) == 0) return true;
  *error = std::string("Version mismatch: the koemorph library is version ") + api->version() +
           ", this plugin needs " + compatible + "x. Replace it with the library of this release.";
  return false;
}

}  // namespace koemorph_plugin
