// Measures the library on one core and prints JSON; `koemorph bench` runs it and draws the table.
//
//   benchmark MODEL.onnx AUDIO.f32 SAMPLE_RATE MAP.json
//   benchmark soak ...  (see soak.cc)
//
// AUDIO.f32 contains mono float32 samples, MAP.json a retarget map. Times are in microseconds,
// memory in bytes.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "process.h"
#include "soak.h"
#include "stages.h"

namespace {

using namespace koemorph::benchmark;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("Cannot open " + std::string(path) + ".");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Recording read_recording(const char* path, int rate) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail("Cannot open " + std::string(path) + ".");
  Recording recording{std::vector<float>(static_cast<size_t>(file.tellg()) / sizeof(float)), rate};
  file.seekg(0);
  file.read(reinterpret_cast<char*>(recording.samples.data()),
            static_cast<std::streamsize>(recording.samples.size() * sizeof(float)));
  return recording;
}

// Cost of one stream during playback.
struct Playback {
  Times push, frame, frame_processor, sample;
  double processor = 0.0;  // push and process together
  double first_frame = 0.0;
  uint64_t audio_allocations = 0, game_allocations = 0, worker_allocations = 0;
  koemorph_stream_info info{};
};

// Pushes 10 ms, processes them and samples the weights, like a game.
void play_block(koemorph_stream* stream, const std::vector<float>& block, double time,
                Playback* playback) {
  uint64_t before = koemorph::allocations();
  const Stopwatch pushing;
  check(koemorph_stream_push(stream, block.data(), static_cast<int32_t>(block.size())));
  playback->push.add(pushing.micros());
  playback->audio_allocations += koemorph::allocations() - before;

  before = koemorph::allocations();
  const int64_t frames = playback->info.frame_count;
  const Stopwatch processing;
  check(koemorph_stream_process(stream));
  const double took = processing.micros();
  const double processor = processing.processor_micros();
  playback->worker_allocations += koemorph::allocations() - before;
  playback->processor += pushing.processor_micros();
  check(koemorph_stream_get_info(stream, &playback->info));
  if (frames == 0) playback->first_frame += took;
  if (playback->info.frame_count > frames) {
    const auto count = static_cast<double>(playback->info.frame_count - frames);
    playback->frame.add(took / count);
    playback->frame_processor.add(processor / count);
  }

  before = koemorph::allocations();
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
  const Stopwatch sampling;
  check(koemorph_stream_sample(stream, time, weights, KOEMORPH_BLENDSHAPE_COUNT));
  playback->sample.add(sampling.micros());
  playback->game_allocations += koemorph::allocations() - before;
}

// Reads the recording in pieces, so that the process needs no more memory than a player.
void measure_stream(const koemorph_model* model, const char* path, int rate, Report* report) {
  Playback playback;
  playback.info.size = sizeof playback.info;
  const Stopwatch creation;
  koemorph_stream* stream = create_stream(model, rate);
  playback.first_frame = creation.micros();
  std::ifstream file(path, std::ios::binary);
  if (!file) fail("Cannot open " + std::string(path) + ".");
  std::vector<float> block(rate / 100);
  const auto bytes = static_cast<std::streamsize>(block.size() * sizeof(float));
  for (Times* times :
       {&playback.push, &playback.frame, &playback.frame_processor, &playback.sample}) {
    times->reserve(100000);
  }
  int64_t blocks = 0;
  for (; file.read(reinterpret_cast<char*>(block.data()), bytes); ++blocks) {
    play_block(stream, block, 0.01 * static_cast<double>(blocks), &playback);
  }
  koemorph_stream_destroy(stream);

  playback.push.report("push_10ms", report);
  playback.frame.report("frame", report);
  playback.frame_processor.report("frame_processor", report);
  playback.sample.report("sample", report);
  report->add("\"fps\": %d", playback.info.fps);
  report->add("\"frames\": %lld", static_cast<long long>(playback.info.frame_count));
  report->add("\"latency_seconds\": %.6f", playback.info.latency);
  report->add("\"first_frame\": %.1f", playback.first_frame);
  report->add("\"real_time_factor\": %.6f",
              playback.processor * 1e-6 / (0.01 * static_cast<double>(blocks)));
  report->add("\"peak_bytes\": %lld", static_cast<long long>(koemorph::peak_bytes()));
  if (koemorph::counts_allocations()) {
    report->add("\"allocations\": {\"audio\": %llu, \"game\": %llu, \"worker_per_frame\": %.2f}",
                static_cast<unsigned long long>(playback.audio_allocations),
                static_cast<unsigned long long>(playback.game_allocations),
                static_cast<double>(playback.worker_allocations) /
                    static_cast<double>(playback.info.frame_count));
  }
}

// Slowdown for a recording that consists of denormal numbers.
void measure_denormals(const koemorph_model* model, const Recording& recording, Report* report) {
  constexpr int kSeconds = 5;
  const auto cost = [&](float gain) {
    Playback playback;
    playback.info.size = sizeof playback.info;
    koemorph_stream* stream = create_stream(model, recording.rate);
    std::vector<float> block(recording.rate / 100);
    for (int i = 0; i < 100 * kSeconds; ++i) {
      const size_t at =
          static_cast<size_t>(i) * block.size() % (recording.samples.size() - block.size());
      for (size_t k = 0; k < block.size(); ++k) block[k] = gain * recording.samples[at + k];
      play_block(stream, block, 0.01 * i, &playback);
    }
    koemorph_stream_destroy(stream);
    return playback.processor;
  };
  const double normal = cost(1.0f);
  report->add("\"denormal_ratio\": %.3f", cost(1e-39f) / normal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string(argv[1]) == "soak") return soak(argc - 1, argv + 1);
  if (argc != 5) {
    fail("usage: benchmark MODEL.onnx AUDIO.f32 SAMPLE_RATE MAP.json");
  }
  const int rate = std::atoi(argv[3]);
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.path = argv[1];
  koemorph_model* model = nullptr;
  Report report;
  const Stopwatch loading;
  check(koemorph_model_load(&config, &model));
  report.add("\"model_load\": %.1f", loading.micros());
  measure_stream(model, argv[2], rate, &report);
  const Recording recording = read_recording(argv[2], rate);
  measure_memory(model, recording, &report);
  measure_stages(config, recording, read_file(argv[4]), &report);
  const int fps = std::atoi(koemorph_model_metadata(model, "fps"));
  measure_batch(model, recording, fps, &report);
  measure_denormals(model, recording, &report);
  koemorph_model_destroy(model);
  report.print();
  return 0;
}
