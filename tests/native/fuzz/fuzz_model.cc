// Any bytes as a model file.
#include <cstddef>
#include <cstdint>

#include "koemorph.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.data = data;
  config.data_size = size;
  koemorph_model* model = nullptr;
  if (koemorph_model_load(&config, &model) == KOEMORPH_OK) koemorph_model_destroy(model);
  return 0;
}
