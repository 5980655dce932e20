// Each stage alone, and many streams together.
#pragma once

#include <string>

#include "report.h"

namespace koemorph::benchmark {

// Share of real time that each stage takes over the whole voice. map: JSON of a retarget map.
void measure_stages(const koemorph_model_config& config, const Voice& voice, const std::string& map,
                    Report* report);

// Bytes that each stream takes after the first, by itself and in a batch.
void measure_memory(const koemorph_model* model, const Voice& voice, Report* report);

// How many streams one core computes in real time as a batch.
void measure_batch(const koemorph_model* model, const Voice& voice, int fps, Report* report);

}  // namespace koemorph::benchmark
