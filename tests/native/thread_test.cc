// Audio, worker and game threads of several streams in parallel. Run it with a thread sanitizer.
//   thread_test MODEL
#include <atomic>
#include <cmath>
#include <cstdio>
#include <thread>
#include <vector>

#include "koemorph.hpp"

namespace {

constexpr int kBlocks = 300;

struct StreamState {
  koemorph::Stream stream;
  std::atomic<bool> pushing{true};
  std::atomic<bool> processing{true};
};

void push(StreamState& state) {
  std::vector<float> block(160);
  for (int i = 0; i < kBlocks; ++i) {
    for (size_t k = 0; k < block.size(); ++k) {
      block[k] = 0.3f * std::sin(0.05f * static_cast<float>(i * 160 + static_cast<int>(k)));
    }
    if (i % 100 == 99) state.stream.set_input_format(i == 199 ? 17000 : 16000);
    state.stream.push(block.data(), 160);
  }
  state.stream.flush();
  state.pushing = false;
}

int play(StreamState& state) {
  koemorph_controls controls = koemorph::default_controls();
  koemorph::Face face{};
  int frames = 0;
  int bad = 0;
  for (int i = 0; state.processing || state.stream.pull(face); ++i) {
    controls.lower_strength = 0.01f * static_cast<float>(i % 200);
    state.stream.set_controls(controls);
    face = state.stream.sample(0.001 * i);
    for (const float weight : face) bad += weight >= 0.0f && weight <= 1.0f ? 0 : 1;
    while (state.stream.pull(face)) ++frames;
    state.stream.info();
    std::this_thread::yield();
  }
  if (bad > 0 || frames > kBlocks * 160 * 30 / 16000) {
    std::fprintf(stderr, "%d bad weights, %d frames\n", bad, frames);
    return 1;
  }
  return 0;
}

// After the first frame, sample always finds a frame, also while the worker fills a gap in the
// audio.
int sample_through_gaps(const koemorph::Model& model) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = 16000;
  config.buffer_seconds = 0.05;
  config.history_seconds = 600.0;
  koemorph::Stream stream(model, config);
  const std::vector<float> minutes(16000 * 300, 0.1f);
  stream.push(minutes.data(), 4000);
  stream.process();
  std::atomic<bool> pushing{true};
  std::thread worker([&] {
    for (int i = 0; i < 20; ++i) {
      stream.push(minutes.data(), static_cast<int32_t>(minutes.size()));
      stream.process();
    }
    pushing = false;
  });
  int missing = 0;
  koemorph::Face face{};
  for (int i = 0; pushing; ++i) {
    const double time = i % 2 == 0 ? 0.0 : 1e9;  // the oldest stored frame, and the newest
    const auto result =
        koemorph_stream_sample(stream.get(), time, face.data(), KOEMORPH_BLENDSHAPE_COUNT);
    missing += result == KOEMORPH_OK ? 0 : 1;
  }
  worker.join();
  if (missing > 0) std::fprintf(stderr, "%d samples found no frame\n", missing);
  return missing > 0 ? 1 : 0;
}

// Blocks longer than the audio buffer, while the worker reads.
int push_more_than_the_capacity(const koemorph::Model& model) {
  constexpr int64_t kBlockSize = 1000, kBlockCount = 50000;
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = 16000;
  config.buffer_seconds = 0.05;
  koemorph::Stream stream(model, config);
  std::atomic<bool> pushing{true};
  std::thread audio([&] {
    const std::vector<float> block(kBlockSize, 0.1f);
    for (int64_t i = 0; i < kBlockCount; ++i) stream.push(block.data(), kBlockSize);
    pushing = false;
  });
  while (pushing) stream.process();
  audio.join();
  stream.flush();
  stream.process();
  const koemorph_stream_info info = stream.info();
  if (info.dropped_samples < kBlockSize * kBlockCount &&
      info.frame_count == kBlockSize * kBlockCount * 30 / 16000)
    return 0;
  std::fprintf(stderr, "%lld samples dropped, %lld frames\n",
               static_cast<long long>(info.dropped_samples),
               static_cast<long long>(info.frame_count));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const koemorph::Model model(argv[1]);
  StreamState alone{koemorph::Stream(model, 16000)};
  StreamState owned{koemorph::Stream(model, 16000, 1, true)};  // the library's worker computes it
  StreamState first{koemorph::Stream(model, 16000)};
  StreamState second{koemorph::Stream(model, 16000)};
  koemorph::StreamBatch batch(model, 2);
  StreamState* const states[] = {&alone, &owned, &first, &second};
  std::atomic<int> failures{sample_through_gaps(model) + push_more_than_the_capacity(model)};
  std::vector<std::thread> threads;
  for (StreamState* state : states) {
    threads.emplace_back([state] { push(*state); });
    threads.emplace_back([state, &failures] { failures += play(*state); });
  }
  threads.emplace_back([&] {
    while (alone.pushing || alone.stream.process()) alone.stream.process();
    alone.processing = false;
  });
  threads.emplace_back([&] {
    const std::vector<koemorph_stream*> streams{first.stream.get(), second.stream.get()};
    while (first.pushing || second.pushing || batch.process(streams)) batch.process(streams);
    first.processing = second.processing = false;
  });
  threads.emplace_back([&] {
    while (owned.pushing || owned.stream.info().frame_count < 80) std::this_thread::yield();
    owned.processing = false;
  });
  for (std::thread& thread : threads) thread.join();
  if (failures == 0) std::puts("ok");
  return failures;
}
