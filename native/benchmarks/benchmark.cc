// Measures the library on one core and prints JSON; `koemorph bench` runs it and draws the table.
//
//   benchmark MODEL.onnx ONNXRUNTIME_LIBRARY AUDIO.f32 SAMPLE_RATE
//
// AUDIO.f32 holds mono float32 samples. Times are in microseconds, memory in bytes.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "egemaps.h"
#include "koemorph.h"
#include "mel.h"
#include "model.h"
#include "process.h"
#include "resample.h"

namespace {

using Clock = std::chrono::steady_clock;

double micros(Clock::time_point from) {
  return std::chrono::duration<double, std::micro>(Clock::now() - from).count();
}

[[noreturn]] void fail(const std::string& sentence) {
  std::fprintf(stderr, "benchmark: %s\n", sentence.c_str());
  std::exit(2);
}

void check(koemorph_result result) {
  if (result < 0) fail(koemorph_error_message());
}

// What is printed in the end: one member a line.
class Report {
 public:
  template <typename... Values>
  void add(const char* format, Values... values) {
    char line[256];
    std::snprintf(line, sizeof line, format, values...);
    lines_.emplace_back(line);
  }
  void print() const {
    for (size_t i = 0; i < lines_.size(); ++i) {
      std::printf("%s  %s", i == 0 ? "{\n" : ",\n", lines_[i].c_str());
    }
    std::printf("\n}\n");
  }

 private:
  std::vector<std::string> lines_;
};

// The distribution of one kind of call.
struct Times {
  std::vector<double> values;
  void add(double value) { values.push_back(value); }
  double total() const {
    double sum = 0.0;
    for (const double value : values) sum += value;
    return sum;
  }
  void report(const char* name, Report* report) {
    std::sort(values.begin(), values.end());
    const auto at = [&](double share) {
      return values.empty() ? 0.0 : values[static_cast<size_t>(share * (values.size() - 1))];
    };
    report->add("\"%s\": {\"p50\": %.3f, \"p99\": %.3f, \"max\": %.3f}", name, at(0.5), at(0.99),
                at(1.0));
  }
};

struct Voice {
  std::vector<float> samples;
  int rate;
  double seconds() const { return static_cast<double>(samples.size()) / rate; }
};

Voice read_voice(const char* path, int rate) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(std::string(path) + " cannot be opened.");
  Voice voice{std::vector<float>(static_cast<size_t>(file.tellg()) / sizeof(float)), rate};
  file.seekg(0);
  file.read(reinterpret_cast<char*>(voice.samples.data()),
            static_cast<std::streamsize>(voice.samples.size() * sizeof(float)));
  return voice;
}

koemorph_stream* create(const koemorph_model* model, int rate) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = rate;
  koemorph_stream* stream = nullptr;
  check(koemorph_stream_create(model, &config, &stream));
  return stream;
}

// As a game does it: 10 ms blocks pushed, processed, and the face sampled.
// The voice is read as it goes, so that the process holds no more than a player would.
void measure_stream(const koemorph_model* model, const char* path, int rate, Report* report) {
  const Clock::time_point creation = Clock::now();
  koemorph_stream* stream = create(model, rate);
  double first_frame = micros(creation);
  koemorph_stream_info info{};
  info.size = sizeof info;
  std::ifstream file(path, std::ios::binary);
  if (!file) fail(std::string(path) + " cannot be opened.");
  std::vector<float> block(rate / 100);
  const auto bytes = static_cast<std::streamsize>(block.size() * sizeof(float));
  Times push, frame, sample;
  for (Times* times : {&push, &frame, &sample}) times->values.reserve(100000);
  double processing = 0.0;
  int64_t frames = 0;
  uint64_t audio_allocations = 0, game_allocations = 0, worker_allocations = 0;
  float weights[KOEMORPH_COEFFICIENTS];
  int64_t blocks = 0;
  for (; file.read(reinterpret_cast<char*>(block.data()), bytes); ++blocks) {
    uint64_t before = koemorph::allocations();
    Clock::time_point start = Clock::now();
    check(koemorph_stream_push(stream, block.data(), static_cast<int32_t>(block.size())));
    push.add(micros(start));
    audio_allocations += koemorph::allocations() - before;

    before = koemorph::allocations();
    start = Clock::now();
    check(koemorph_stream_process(stream));
    const double took = micros(start);
    worker_allocations += koemorph::allocations() - before;
    processing += took;
    check(koemorph_stream_get_info(stream, &info));
    if (frames == 0) first_frame += took;
    if (info.frames > frames) frame.add(took / static_cast<double>(info.frames - frames));
    frames = info.frames;

    before = koemorph::allocations();
    start = Clock::now();
    check(koemorph_stream_sample(stream, 0.01 * static_cast<double>(blocks), weights,
                                 KOEMORPH_COEFFICIENTS));
    sample.add(micros(start));
    game_allocations += koemorph::allocations() - before;
  }
  koemorph_stream_destroy(stream);

  push.report("push_10ms", report);
  frame.report("frame", report);
  sample.report("sample", report);
  report->add("\"fps\": %d", info.fps);
  report->add("\"frames\": %lld", static_cast<long long>(frames));
  report->add("\"latency_seconds\": %.6f", info.latency);
  report->add("\"first_frame\": %.1f", first_frame);
  report->add("\"real_time_factor\": %.6f",
              (processing + push.total()) * 1e-6 / (0.01 * static_cast<double>(blocks)));
  report->add("\"peak_bytes\": %lld", static_cast<long long>(koemorph::peak_bytes()));
  if (koemorph::counts_allocations()) {
    report->add("\"allocations\": {\"audio\": %llu, \"game\": %llu, \"worker_per_frame\": %.2f}",
                static_cast<unsigned long long>(audio_allocations),
                static_cast<unsigned long long>(game_allocations),
                static_cast<double>(worker_allocations) / static_cast<double>(frames));
  }
}

// Each stage alone over the whole voice: its share of real time.
void measure_stages(const koemorph_model_config& config, const Voice& voice, Report* report) {
  std::shared_ptr<const koemorph::Model> model;
  const koemorph::Status status = koemorph::Model::load(config, &model);
  if (!status.ok()) fail(status.message);
  const koemorph::ModelSettings& settings = model->settings();
  Clock::time_point start = Clock::now();
  const auto finish = [&](const char* name) {
    report->add("\"stage_%s\": %.6f", name, micros(start) * 1e-6 / voice.seconds());
    start = Clock::now();
  };

  koemorph::Resample resample(voice.rate, settings.mel.clock.sample_rate);
  std::vector<float> resampled(resample.max_output(static_cast<int>(voice.samples.size())));
  start = Clock::now();
  resampled.resize(resample.push(voice.samples.data(), static_cast<int>(voice.samples.size()),
                                 resampled.data()));
  finish("resample");

  koemorph::Mel mel(settings.mel);
  int frames = 0;
  volatile float kept = 0.0f;  // so that the compiler keeps the work
  for (size_t at = 0; at < resampled.size();) {
    at += mel.push(resampled.data() + at, static_cast<int>(resampled.size() - at));
    if (!mel.ready()) continue;
    kept = mel.frame()[0] + mel.detail()[0];
    mel.next();
    ++frames;
  }
  finish("mel");

  if (settings.use_egemaps) {
    koemorph::Egemaps egemaps(settings.egemaps);
    start = Clock::now();
    for (size_t at = 0; at < resampled.size();) {
      at += egemaps.push(resampled.data() + at, static_cast<int>(resampled.size() - at));
    }
    finish("egemaps");
  }

  koemorph::Inference inference(model, 1);
  start = Clock::now();
  for (int i = 0; i < frames; ++i) {
    const koemorph::Status run = inference.run(1);
    if (!run.ok()) fail(run.message);
  }
  finish("model");
}

void measure_memory(const koemorph_model* model, const Voice& voice, Report* report) {
  constexpr int kStreams = 16;
  const auto second = static_cast<int32_t>(std::min<size_t>(voice.rate, voice.samples.size()));
  std::vector<koemorph_stream*> streams;
  int64_t before = 0;
  for (int i = 0; i <= kStreams; ++i) {
    streams.push_back(create(model, voice.rate));
    check(koemorph_stream_push(streams.back(), voice.samples.data(), second));
    check(koemorph_stream_process(streams.back()));
    if (i == 0) before = koemorph::resident_bytes();
  }
  report->add("\"bytes_per_further_stream\": %lld",
              static_cast<long long>((koemorph::resident_bytes() - before) / kStreams));
  for (koemorph_stream* stream : streams) koemorph_stream_destroy(stream);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 5) fail("usage: benchmark MODEL.onnx ONNXRUNTIME_LIBRARY AUDIO.f32 SAMPLE_RATE");
  const int rate = std::atoi(argv[4]);
  koemorph_model_config config;
  koemorph_model_config_init(&config);
  config.path = argv[1];
  config.onnxruntime_path = argv[2];
  koemorph_model* model = nullptr;
  Report report;
  const Clock::time_point start = Clock::now();
  check(koemorph_model_load(&config, &model));
  report.add("\"model_load\": %.1f", micros(start));
  measure_stream(model, argv[3], rate, &report);
  const Voice voice = read_voice(argv[3], rate);
  measure_memory(model, voice, &report);
  measure_stages(config, voice, &report);
  koemorph_model_destroy(model);
  report.print();
  return 0;
}
