// Each stage alone, and many streams in a batch.
#pragma once

#include <string>

#include "report.h"

namespace koemorph::benchmark {

// Real-time factor of each stage over the whole recording. map: JSON of a retarget map.
void measure_stages(const koemorph_model_config& config, const Recording& recording,
                    const std::string& map, Report* report);

// Memory of each further stream, alone and in a batch.
void measure_memory(const koemorph_model* model, const Recording& recording, Report* report);

// Number of streams of a batch that one core computes in real time.
void measure_batch(const koemorph_model* model, const Recording& recording, int fps,
                   Report* report);

}  // namespace koemorph::benchmark
