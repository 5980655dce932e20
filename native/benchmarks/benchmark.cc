// Measures the library on one core and prints JSON; `koemorph bench` runs it and draws the table.
//
//   benchmark MODEL.onnx ONNXRUNTIME_LIBRARY AUDIO.f32 SAMPLE_RATE MAP.json
//
// AUDIO.f32 holds mono float32 samples, MAP.json a retarget map. Times are in microseconds, memory
// in bytes.
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "process.h"
#include "stages.h"

namespace {

using namespace koemorph::benchmark;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string(path) + " cannot be opened.");
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

Voice read_voice(const char* path, int rate) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(std::string(path) + " cannot be opened.");
  Voice voice{std::vector<float>(static_cast<size_t>(file.tellg()) / sizeof(float)), rate};
  file.seekg(0);
  file.read(reinterpret_cast<char*>(voice.samples.data()),
            static_cast<std::streamsize>(voice.samples.size() * sizeof(float)));
  return voice;
}

// What one stream cost as it played.
struct Played {
  Times push, frame, frame_processor, sample;
  double processor = 0.0;  // of push and process together
  double first_frame = 0.0;
  uint64_t audio_allocations = 0, game_allocations = 0, worker_allocations = 0;
  koemorph_stream_info info{};
};

// 10 ms pushed, processed, and the face sampled, as a game does it.
void play_block(koemorph_stream* stream, const std::vector<float>& block, double time,
                Played* played) {
  uint64_t before = koemorph::allocations();
  const Stopwatch pushing;
  check(koemorph_stream_push(stream, block.data(), static_cast<int32_t>(block.size())));
  played->push.add(pushing.micros());
  played->audio_allocations += koemorph::allocations() - before;

  before = koemorph::allocations();
  const int64_t frames = played->info.frame_count;
  const Stopwatch processing;
  check(koemorph_stream_process(stream));
  const double took = processing.micros();
  const double processor = processing.processor_micros();
  played->worker_allocations += koemorph::allocations() - before;
  played->processor += pushing.processor_micros();
  check(koemorph_stream_get_info(stream, &played->info));
  if (frames == 0) played->first_frame += took;
  if (played->info.frame_count > frames) {
    const auto count = static_cast<double>(played->info.frame_count - frames);
    played->frame.add(took / count);
    played->frame_processor.add(processor / count);
  }

  before = koemorph::allocations();
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
  const Stopwatch sampling;
  check(koemorph_stream_sample(stream, time, weights, KOEMORPH_BLENDSHAPE_COUNT));
  played->sample.add(sampling.micros());
  played->game_allocations += koemorph::allocations() - before;
}

// The voice is read as it goes, so that the process holds no more than a player would.
void measure_stream(const koemorph_model* model, const char* path, int rate, Report* report) {
  Played played;
  played.info.size = sizeof played.info;
  const Stopwatch creation;
  koemorph_stream* stream = create_stream(model, rate);
  played.first_frame = creation.micros();
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string(path) + " cannot be opened.");
  std::vector<float> block(rate / 100);
  const auto bytes = static_cast<std::streamsize>(block.size() * sizeof(float));
  for (Times* times : {&played.push, &played.frame, &played.frame_processor, &played.sample}) {
    times->reserve(100000);
  }
  int64_t blocks = 0;
  for (; file.read(reinterpret_cast<char*>(block.data()), bytes); ++blocks) {
    play_block(stream, block, 0.01 * static_cast<double>(blocks), &played);
  }
  koemorph_stream_destroy(stream);

  played.push.report("push_10ms", report);
  played.frame.report("frame", report);
  played.frame_processor.report("frame_processor", report);
  played.sample.report("sample", report);
  report->add("\"fps\": %d", played.info.fps);
  report->add("\"frames\": %lld", static_cast<long long>(played.info.frame_count));
  report->add("\"latency_seconds\": %.6f", played.info.latency);
  report->add("\"first_frame\": %.1f", played.first_frame);
  report->add("\"real_time_factor\": %.6f",
              played.processor * 1e-6 / (0.01 * static_cast<double>(blocks)));
  report->add("\"peak_bytes\": %lld", static_cast<long long>(koemorph::peak_bytes()));
  if (koemorph::counts_allocations()) {
    report->add("\"allocations\": {\"audio\": %llu, \"game\": %llu, \"worker_per_frame\": %.2f}",
                static_cast<unsigned long long>(played.audio_allocations),
                static_cast<unsigned long long>(played.game_allocations),
                static_cast<double>(played.worker_allocations) /
                    static_cast<double>(played.info.frame_count));
  }
}

// How much longer a voice takes whose every sample is a denormal number.
void measure_denormals(const koemorph_model* model, const Voice& voice, Report* report) {
  constexpr int kSeconds = 5;
  const auto cost = [&](float gain) {
    Played played;
    played.info.size = sizeof played.info;
    koemorph_stream* stream = create_stream(model, voice.rate);
    std::vector<float> block(voice.rate / 100);
    for (int i = 0; i < 100 * kSeconds; ++i) {
      const size_t at =
          static_cast<size_t>(i) * block.size() % (voice.samples.size() - block.size());
      for (size_t k = 0; k < block.size(); ++k) block[k] = gain * voice.samples[at + k];
      play_block(stream, block, 0.01 * i, &played);
    }
    koemorph_stream_destroy(stream);
    return played.processor;
  };
  const double normal = cost(1.0f);
  report->add("\"denormal_ratio\": %.3f", cost(1e-39f) / normal);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) {
    fail("usage: benchmark MODEL.onnx ONNXRUNTIME_LIBRARY AUDIO.f32 SAMPLE_RATE MAP.json");
  }
  const int rate = std::atoi(argv[4]);
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.path = argv[1];
  config.onnxruntime_path = argv[2];
  koemorph_model* model = nullptr;
  Report report;
  const Stopwatch loading;
  check(koemorph_model_load(&config, &model));
  report.add("\"model_load\": %.1f", loading.micros());
  measure_stream(model, argv[3], rate, &report);
  const Voice voice = read_voice(argv[3], rate);
  measure_memory(model, voice, &report);
  measure_stages(config, voice, read_file(argv[5]), &report);
  const int fps = std::atoi(koemorph_model_metadata(model, "fps"));
  measure_batch(model, voice, fps, &report);
  measure_denormals(model, voice, &report);
  koemorph_model_destroy(model);
  report.print();
  return 0;
}
