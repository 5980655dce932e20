// Two threads in a role for one: the second gets KOEMORPH_INVALID_STATE, and no data is lost.
//   concurrency_test MODEL
#include <atomic>
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "koemorph.hpp"
#include "koemorph_debug.h"

namespace {

constexpr int kRate = 16000;
constexpr int kRounds = 2000;
constexpr int kFrames = 60 * 30;  // of a minute
std::atomic<int> failures{0};

void expect(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "concurrency_test: %s\n", what);
  ++failures;
}

struct ResultCount {
  std::atomic<int> done{0};
  std::atomic<int> rejected{0};
  koemorph_result add(koemorph_result result) {
    expect(result == KOEMORPH_OK || result == KOEMORPH_NO_FRAME || result == KOEMORPH_INVALID_STATE,
           koemorph_result_text(result));
    if (result == KOEMORPH_OK) ++done;
    if (result == KOEMORPH_INVALID_STATE) {
      ++rejected;
      expect(!std::string(koemorph_error_message()).empty(),
             "no error message for a concurrent call");
    }
    return result;
  }
};

void on_two_threads(const std::function<void()>& body) {
  std::thread first(body), second(body);
  first.join();
  second.join();
}

koemorph::Stream long_stream(const koemorph::Model& model) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = kRate;
  config.buffer_seconds = 60.0;
  config.history_seconds = 120.0;
  return {model, config};
}

void test_push(const koemorph::Model& model) {
  koemorph::Stream stream(model, kRate);
  const std::vector<float> block(64, 0.1f);
  ResultCount count;
  on_two_threads([&] {
    for (int i = 0; i < kRounds; ++i) {
      count.add(koemorph_stream_push(stream.get(), block.data(), 64));
    }
  });
  expect(stream.info().pushed_samples == 64 * count.done, "pushed audio was miscounted");
}

// No audio is accepted after flush. The audio thread pushes for longer than a time slice of the
// scheduler, so that calls overlap also on one core, and then pauses so that flush can succeed.
void test_flush(const koemorph::Model& model) {
  const std::vector<float> minute(60 * kRate, 0.1f);
  ResultCount count;
  for (int attempt = 0; attempt < 200 && count.rejected == 0; ++attempt) {
    koemorph::Stream stream(model, kRate);
    std::atomic<bool> started{false}, ended{false};
    std::thread audio([&] {
      while (!ended) {
        started = true;
        const auto pause = std::chrono::steady_clock::now() + std::chrono::milliseconds(20);
        while (std::chrono::steady_clock::now() < pause) {
          koemorph_stream_push(stream.get(), minute.data(), 60 * kRate);
        }
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
      }
      expect(koemorph_stream_push(stream.get(), minute.data(), 1) == KOEMORPH_INVALID_STATE,
             "audio was accepted after flush");
    });
    while (!started) std::this_thread::yield();
    while (count.add(koemorph_stream_flush(stream.get())) != KOEMORPH_OK) {
      std::this_thread::yield();
    }
    const int64_t pushed = stream.info().pushed_samples;
    ended = true;
    audio.join();
    expect(stream.info().pushed_samples == pushed, "samples were counted after flush");
  }
  expect(count.rejected > 0, "no flush was rejected");
}

// Processing a minute of audio takes long enough for the calls to overlap.
void test_process(const koemorph::Model& model) {
  const std::vector<float> minute(60 * kRate, 0.1f);
  int rejected = 0;
  for (int attempt = 0; attempt < 20 && rejected == 0; ++attempt) {
    koemorph::Stream stream = long_stream(model);
    koemorph::StreamBatch batch(model, 1);
    koemorph_stream* const streams[] = {stream.get()};
    stream.push(minute.data(), 60 * kRate);
    ResultCount count;
    on_two_threads([&] {
      while (stream.info().frame_count < kFrames) {
        count.add(koemorph_stream_process(stream.get()));
        count.add(koemorph_stream_batch_process(batch.get(), streams, 1));
        float value[1];
        count.add(koemorph_debug_tap(stream.get(), KOEMORPH_DEBUG_MEL_FRAME, value, 1, nullptr));
      }
    });
    rejected = count.rejected;
    double time = 0.0;
    koemorph::Face face{};
    int frames = 0;
    while (stream.pull(face, &time)) expect(time == frames++ / 30.0, "a frame is out of order");
    expect(frames == kFrames, "frames are missing");
  }
  expect(rejected > 0, "no call of process was rejected");
}

void test_read(const koemorph::Model& model) {
  koemorph::Stream stream = long_stream(model);
  const std::vector<float> minute(60 * kRate, 0.1f);
  stream.push(minute.data(), 60 * kRate);
  stream.process();
  ResultCount count;
  ResultCount others;
  on_two_threads([&] {
    float face[KOEMORPH_BLENDSHAPE_COUNT];
    const koemorph_controls controls = koemorph::default_controls();
    for (int i = 0; i < kRounds; ++i) {
      count.add(koemorph_stream_pull(stream.get(), face, KOEMORPH_BLENDSHAPE_COUNT, nullptr));
      others.add(koemorph_stream_sample(stream.get(), 0.01 * i, face, KOEMORPH_BLENDSHAPE_COUNT));
      others.add(koemorph_stream_set_controls(stream.get(), &controls));
      others.add(koemorph_stream_fade_out(stream.get(), 0.01 * i, 0.1));
      others.add(koemorph_stream_fade_in(stream.get(), 0.01 * i, 0.1));
    }
  });
  koemorph::Face face{};
  while (stream.pull(face)) ++count.done;
  expect(count.done == kFrames, "a frame was returned twice or not at all");
}

// Resets while other threads use the stream: each succeeds or is rejected.
void test_reset(const koemorph::Model& model, bool worker) {
  koemorph::Stream stream(model, kRate, 1, worker);
  const std::vector<float> block(1600, 0.1f);
  ResultCount count;
  std::thread audio([&] {
    for (int i = 0; i < 200; ++i) count.add(koemorph_stream_push(stream.get(), block.data(), 1600));
  });
  std::thread game([&] {
    float face[KOEMORPH_BLENDSHAPE_COUNT];
    for (int i = 0; i < 200; ++i) {
      count.add(koemorph_stream_pull(stream.get(), face, KOEMORPH_BLENDSHAPE_COUNT, nullptr));
      stream.info();
    }
  });
  for (int i = 0; i < 50; ++i) {
    if (!worker) count.add(koemorph_stream_process(stream.get()));
    count.add(koemorph_stream_set_input_format(stream.get(), i % 3 == 0 ? 44100 : kRate, 0));
    count.add(koemorph_stream_reset(stream.get(), i % 2 == 0 ? 48000 : kRate, 0));
  }
  audio.join();
  game.join();
  expect(koemorph_stream_reset(stream.get(), 0, 0) == KOEMORPH_OK,
         "reset was rejected without concurrent calls");
  expect(stream.info().pushed_samples == 0, "reset kept samples");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  const koemorph::Model model(argv[1]);
  test_push(model);
  test_flush(model);
  test_process(model);
  test_read(model);
  test_reset(model, false);
  test_reset(model, true);
  if (failures == 0) std::puts("ok");
  return failures == 0 ? 0 : 1;
}
