// Copyright KoeMorph contributors. Licensed under the MIT License.

// The functions of koemorph.h, resolved at run time. Core uses no Unreal type: tests compile and
// run it without the engine.
#pragma once

#include <functional>
#include <string>

#include "koemorph.h"

namespace koemorph_plugin {

// One pointer per function that the plugin calls, named as in koemorph.h.
struct Api {
  decltype(&::koemorph_version) version;
  decltype(&::koemorph_error_message) error_message;
  decltype(&::koemorph_blendshape_name) blendshape_name;
  decltype(&::koemorph_model_config_init) model_config_init;
  decltype(&::koemorph_model_load) model_load;
  decltype(&::koemorph_model_destroy) model_destroy;
  decltype(&::koemorph_stream_config_init) stream_config_init;
  decltype(&::koemorph_stream_create) stream_create;
  decltype(&::koemorph_stream_destroy) stream_destroy;
  decltype(&::koemorph_stream_push) stream_push;
  decltype(&::koemorph_stream_flush) stream_flush;
  decltype(&::koemorph_stream_process) stream_process;
  decltype(&::koemorph_stream_pull) stream_pull;
  decltype(&::koemorph_stream_get_info) stream_get_info;
  decltype(&::koemorph_player_config_init) player_config_init;
  decltype(&::koemorph_player_create) player_create;
  decltype(&::koemorph_player_destroy) player_destroy;
  decltype(&::koemorph_player_stream) player_stream;
  decltype(&::koemorph_player_feed) player_feed;
  decltype(&::koemorph_player_update) player_update;
  decltype(&::koemorph_player_sample) player_sample;
  decltype(&::koemorph_player_get_state) player_get_state;
  decltype(&::koemorph_player_set_latency) player_set_latency;
  decltype(&::koemorph_player_set_controls) player_set_controls;
  decltype(&::koemorph_player_fade_out) player_fade_out;
  decltype(&::koemorph_player_fade_in) player_fade_in;
  decltype(&::koemorph_controls_from_preset) controls_from_preset;
  decltype(&::koemorph_controls_init) controls_init;
  decltype(&::koemorph_retarget_map_load) retarget_map_load;
  decltype(&::koemorph_retarget_map_destroy) retarget_map_destroy;
  decltype(&::koemorph_retarget_map_count) retarget_map_count;
  decltype(&::koemorph_retarget_map_name) retarget_map_name;
  decltype(&::koemorph_retarget_map_is_driven) retarget_map_is_driven;
  decltype(&::koemorph_retarget_map_apply) retarget_map_apply;
};

// Address of a symbol in the loaded library, or null. Not called if the library is linked
// statically (KOEMORPH_STATIC).
using FindSymbol = std::function<void*(const char* name)>;

// Fills the table. False, with an error message, if a function is missing or the version of the
// library is incompatible.
bool LoadApi(const FindSymbol& find, Api* api, std::string* error);

}  // namespace koemorph_plugin
