// The C API in the form that JavaScript calls best: no structs, no 64-bit integers.
#include <koemorph.h>

extern "C" {

koemorph_model* koemorph_web_model(const void* data, uint32_t size) {
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.data = data;
  config.data_size = size;
  koemorph_model* model = nullptr;
  koemorph_model_load(&config, &model);
  return model;
}

koemorph_stream* koemorph_web_stream(const koemorph_model* model, int32_t sample_rate,
                                     int32_t channels, double buffer_seconds) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = sample_rate;
  config.channels = channels;
  config.buffer_seconds = buffer_seconds;
  koemorph_stream* stream = nullptr;
  koemorph_stream_create(model, &config, &stream);
  return stream;
}

// out: fps, latency, pushed_samples, dropped_samples, frame_count.
koemorph_result koemorph_web_info(const koemorph_stream* stream, double* out) {
  koemorph_stream_info info;
  info.size = sizeof info;
  const koemorph_result result = koemorph_stream_get_info(stream, &info);
  if (result != KOEMORPH_OK) return result;
  out[0] = info.fps;
  out[1] = info.latency;
  out[2] = static_cast<double>(info.pushed_samples);
  out[3] = static_cast<double>(info.dropped_samples);
  out[4] = static_cast<double>(info.frame_count);
  return result;
}

// stream: NULL only checks the preset.
koemorph_result koemorph_web_preset(koemorph_stream* stream, const char* json, uint32_t size) {
  koemorph_controls controls;
  const koemorph_result result = koemorph_controls_from_preset(json, size, &controls);
  if (result != KOEMORPH_OK || stream == nullptr) return result;
  return koemorph_stream_set_controls(stream, &controls);
}

koemorph_retarget_map* koemorph_web_map(const char* json, uint32_t size,
                                        const char* const* rig_names, int32_t rig_count) {
  koemorph_retarget_map* map = nullptr;
  koemorph_retarget_map_load(json, size, rig_names, rig_count, &map);
  return map;
}

}  // extern "C"
