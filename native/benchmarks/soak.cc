// Computes hours of audio as fast as possible and checks for slow drift; prints JSON.
//
//   benchmark soak MODEL.onnx AUDIO.f32 SAMPLE_RATE HOURS
//
// AUDIO.f32 contains mono float32 samples of an integer number of seconds. It is repeated, and the
// weights of each round are compared with those of the second round.
#include "soak.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <vector>

#include "koemorph.hpp"
#include "process.h"
#include "report.h"

namespace {

using namespace koemorph::benchmark;

// Statistics of the frames so far.
struct FrameStatistics {
  int64_t frames = 0;
  int64_t not_finite = 0;
  int64_t out_of_range = 0;
  double largest_time_error = 0.0;  // s, from frame number / fps
  double repeat_difference = 0.0;   // of a weight, from the same position of the second round
};

std::vector<float> read_rounds(const char* path) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail("Cannot open " + std::string(path) + ".");
  std::vector<float> samples(static_cast<size_t>(file.tellg()) / sizeof(float));
  file.seekg(0);
  file.read(reinterpret_cast<char*>(samples.data()),
            static_cast<std::streamsize>(samples.size() * sizeof(float)));
  return samples;
}

// Pulls all frames. The reference is the second round: the context of the first one is silence.
void check_frames(koemorph::Stream& stream, int fps, int64_t frames_per_round,
                  std::vector<koemorph::Face>* second_round, FrameStatistics* statistics) {
  koemorph::Face face;
  double time = 0.0;
  while (stream.pull(face, &time)) {
    const double exact = static_cast<double>(statistics->frames) / fps;
    statistics->largest_time_error =
        std::max(statistics->largest_time_error, std::abs(time - exact));
    const int64_t round = statistics->frames / frames_per_round;
    const auto position = static_cast<size_t>(statistics->frames % frames_per_round);
    if (round == 1) second_round->push_back(face);
    for (size_t i = 0; i < face.size(); ++i) {
      if (!std::isfinite(face[i])) ++statistics->not_finite;
      if (!(face[i] >= 0.0f && face[i] <= 1.0f)) ++statistics->out_of_range;
      if (round < 2) continue;
      const double difference = std::abs(face[i] - (*second_round)[position][i]);
      statistics->repeat_difference = std::max(statistics->repeat_difference, difference);
    }
    ++statistics->frames;
  }
}

}  // namespace

int koemorph::benchmark::soak(int argc, char** argv) {
  if (argc != 5) {
    fail("usage: benchmark soak MODEL.onnx AUDIO.f32 SAMPLE_RATE HOURS");
  }
  const int rate = std::atoi(argv[3]);
  const auto seconds = static_cast<int64_t>(std::atof(argv[4]) * 3600.0);
  const std::vector<float> samples = read_rounds(argv[2]);
  const int64_t seconds_per_round = static_cast<int64_t>(samples.size()) / rate;
  if (seconds_per_round < 1 || seconds < 3 * seconds_per_round) {
    fail(
        "HOURS or AUDIO.f32 is too short: expected at least one second of audio, repeated three "
        "times.");
  }
  const koemorph::Model model(argv[1]);
  koemorph::Stream stream(model, rate);
  koemorph_controls raw = koemorph::default_controls();
  raw.blink = 0.0f;  // blinks differ between rounds
  stream.set_controls(raw);
  const int fps = stream.info().fps;
  const int64_t frames_per_round = seconds_per_round * fps;
  std::vector<koemorph::Face> second_round;
  second_round.reserve(static_cast<size_t>(frames_per_round));
  FrameStatistics statistics;
  // All buffers are full by then.
  const int64_t warm_up_blocks =
      std::min(10 * std::max<int64_t>(60, 2 * seconds_per_round), 5 * seconds);
  int64_t bytes_after_warm_up = 0;
  const Stopwatch watch;
  const int block = rate / 10;
  for (int64_t i = 0; i < 10 * seconds; ++i) {
    const int64_t at = i % (10 * seconds_per_round) * block;
    stream.push(samples.data() + at, block);
    stream.process();
    check_frames(stream, fps, frames_per_round, &second_round, &statistics);
    if (i == warm_up_blocks) bytes_after_warm_up = koemorph::resident_bytes();
  }
  const koemorph_stream_info info = stream.info();
  Report report;
  report.add("\"audio_hours\": %.4f", static_cast<double>(seconds) / 3600.0);
  report.add("\"fps\": %d", fps);
  report.add("\"frames\": %lld", static_cast<long long>(statistics.frames));
  report.add("\"largest_time_error_seconds\": %.3g", statistics.largest_time_error);
  report.add("\"weights_not_finite\": %lld", static_cast<long long>(statistics.not_finite));
  report.add("\"weights_out_of_range\": %lld", static_cast<long long>(statistics.out_of_range));
  report.add("\"repeat_difference\": %.3g", statistics.repeat_difference);
  report.add("\"dropped_samples\": %lld", static_cast<long long>(info.dropped_samples));
  report.add("\"bytes_after_warm_up\": %lld", static_cast<long long>(bytes_after_warm_up));
  report.add("\"bytes_grown\": %lld",
             static_cast<long long>(koemorph::resident_bytes() - bytes_after_warm_up));
  report.add("\"processor_seconds\": %.1f", watch.processor_micros() * 1e-6);
  report.print();
  return 0;
}
