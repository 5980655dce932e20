#include "Library.h"

#include <string>

namespace koemorph_plugin {
namespace {

#if KOEMORPH_STATIC
// Named here, and nowhere else: a linker takes from an archive only what is named.
#define KOEMORPH_FIND(name) (api->name = &::koemorph_##name, true)
#else
#define KOEMORPH_FIND(name) Find(find, "koemorph_" #name, &api->name, problem)

template <typename Function>
bool Find(const FindSymbol& find, const char* name, Function* function, std::string* problem) {
  *function = reinterpret_cast<Function>(find(name));
  if (*function != nullptr) return true;
  *problem = std::string("The koemorph library has no function ") + name +
             ": it is older than this plugin. Replace it with the one of this release.";
  return false;
}
#endif

}  // namespace

bool LoadApi([[maybe_unused]] const FindSymbol& find, Api* api, std::string* problem) {
  const bool complete =
      KOEMORPH_FIND(version) && KOEMORPH_FIND(error_message) && KOEMORPH_FIND(blendshape_name) &&
      KOEMORPH_FIND(model_config_init) && KOEMORPH_FIND(model_load) &&
      KOEMORPH_FIND(model_destroy) && KOEMORPH_FIND(stream_config_init) &&
      KOEMORPH_FIND(stream_create) && KOEMORPH_FIND(stream_destroy) && KOEMORPH_FIND(stream_push) &&
      KOEMORPH_FIND(stream_set_input_format) && KOEMORPH_FIND(stream_flush) &&
      KOEMORPH_FIND(stream_process) && KOEMORPH_FIND(stream_sample) && KOEMORPH_FIND(stream_pull) &&
      KOEMORPH_FIND(stream_get_info) && KOEMORPH_FIND(stream_set_controls) &&
      KOEMORPH_FIND(stream_fade_out) && KOEMORPH_FIND(stream_fade_in) &&
      KOEMORPH_FIND(controls_from_preset) && KOEMORPH_FIND(controls_init) &&
      KOEMORPH_FIND(retarget_map_load) && KOEMORPH_FIND(retarget_map_destroy) &&
      KOEMORPH_FIND(retarget_map_count) && KOEMORPH_FIND(retarget_name) &&
      KOEMORPH_FIND(retarget_map_is_driven) && KOEMORPH_FIND(retarget_map_apply);
  if (!complete) return false;
  // Up to 1.0 a minor version may make the structs larger that the library fills.
  const std::string fits =
      std::to_string(KOEMORPH_VERSION_MAJOR) + "." + std::to_string(KOEMORPH_VERSION_MINOR) + ".";
  if (std::string(api->version()).compare(0, fits.size(), fits) == 0) return true;
  *problem = std::string("The koemorph library is version ") + api->version() +
             ", which does not fit this plugin. Replace it with the one of this release.";
  return false;
}

}  // namespace koemorph_plugin
