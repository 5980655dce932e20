#include "Library.h"

#include <cstdlib>

namespace koemorph_plugin {
namespace {

template <typename Function>
bool Find(const FindSymbol& find, const char* name, Function* function, std::string* problem) {
  *function = reinterpret_cast<Function>(find(name));
  if (*function != nullptr) return true;
  *problem = std::string("The koemorph library has no function ") + name +
             ": it is older than this plugin. Replace it with the one of this release.";
  return false;
}

}  // namespace

bool LoadApi(const FindSymbol& find, Api* api, std::string* problem) {
  const bool complete =
      Find(find, "koemorph_version", &api->version, problem) &&
      Find(find, "koemorph_error_message", &api->error_message, problem) &&
      Find(find, "koemorph_coefficient_name", &api->coefficient_name, problem) &&
      Find(find, "koemorph_model_config_init", &api->model_config_init, problem) &&
      Find(find, "koemorph_model_load", &api->model_load, problem) &&
      Find(find, "koemorph_model_destroy", &api->model_destroy, problem) &&
      Find(find, "koemorph_stream_config_init", &api->stream_config_init, problem) &&
      Find(find, "koemorph_stream_create", &api->stream_create, problem) &&
      Find(find, "koemorph_stream_destroy", &api->stream_destroy, problem) &&
      Find(find, "koemorph_stream_push", &api->stream_push, problem) &&
      Find(find, "koemorph_stream_set_device", &api->stream_set_device, problem) &&
      Find(find, "koemorph_stream_flush", &api->stream_flush, problem) &&
      Find(find, "koemorph_stream_process", &api->stream_process, problem) &&
      Find(find, "koemorph_stream_sample", &api->stream_sample, problem) &&
      Find(find, "koemorph_stream_pull", &api->stream_pull, problem) &&
      Find(find, "koemorph_stream_get_info", &api->stream_get_info, problem) &&
      Find(find, "koemorph_stream_set_controls", &api->stream_set_controls, problem) &&
      Find(find, "koemorph_stream_relax", &api->stream_relax, problem) &&
      Find(find, "koemorph_stream_resume", &api->stream_resume, problem) &&
      Find(find, "koemorph_controls_from_preset", &api->controls_from_preset, problem) &&
      Find(find, "koemorph_controls_init", &api->controls_init, problem) &&
      Find(find, "koemorph_retarget_load", &api->retarget_load, problem) &&
      Find(find, "koemorph_retarget_destroy", &api->retarget_destroy, problem) &&
      Find(find, "koemorph_retarget_count", &api->retarget_count, problem) &&
      Find(find, "koemorph_retarget_name", &api->retarget_name, problem) &&
      Find(find, "koemorph_retarget_is_driven", &api->retarget_is_driven, problem) &&
      Find(find, "koemorph_retarget_apply", &api->retarget_apply, problem);
  if (!complete) return false;
  if (std::atoi(api->version()) == KOEMORPH_VERSION_MAJOR) return true;
  *problem = std::string("The koemorph library is version ") + api->version() +
             ", which does not fit this plugin. Replace it with the one of this release.";
  return false;
}

}  // namespace koemorph_plugin
