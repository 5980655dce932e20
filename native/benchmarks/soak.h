// Hours of audio as fast as possible.
#pragma once

namespace koemorph::benchmark {

// Runs `benchmark soak`: argv[0] is "soak". Returns the exit code.
int soak(int argc, char** argv);

}  // namespace koemorph::benchmark
