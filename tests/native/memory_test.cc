// A stream where memory runs out at every place where it takes some.
//   memory_test MODEL ONNXRUNTIME
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <new>
#include <thread>
#include <vector>

#include "koemorph.hpp"
#include "koemorph_debug.h"

namespace {

constexpr int kEnough = -1;
thread_local bool is_main = false;
std::atomic<bool> of_main{true};  // whose memory it is that runs out
std::atomic<int> left{kEnough};   // pieces of memory that are still given
std::atomic<int> refused{0};
int failures = 0;

void expect(bool holds, const char* what, int step) {
  if (holds) return;
  std::fprintf(stderr, "memory_test: %s (with %d pieces of memory)\n", what, step);
  ++failures;
}

bool is_given() {
  if (left == kEnough || is_main != of_main) return true;
  if (left > 0) {
    --left;
    return true;
  }
  ++refused;
  return false;
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = is_given() ? std::malloc(size > 0 ? size : 1) : nullptr;
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

namespace {

const std::vector<float> kVoice(9000, 0.1f);

void push(koemorph::Stream& stream) {
  stream.push(kVoice.data(), static_cast<int32_t>(kVoice.size()));
}

int frames_after_flush(koemorph::Stream& stream) {
  stream.flush();
  stream.process();
  koemorph::Face face{};
  int frames = 0;
  while (stream.pull(face)) ++frames;
  return frames;
}

// Runs `call` on a stream with less memory than it takes, and then with enough; `check` looks at
// what became of the stream.
void run_out(const koemorph::Model& model,
             const std::function<koemorph_result(koemorph_stream*)>& call,
             const std::function<void(koemorph::Stream&, bool, int)>& check) {
  for (int step = 0;; ++step) {
    koemorph::Stream stream(model, 48000);
    push(stream);
    stream.process();
    left = step;
    const koemorph_result result = call(stream.get());
    left = kEnough;
    const bool done = result == KOEMORPH_OK;
    expect(done || result == KOEMORPH_OUT_OF_MEMORY, koemorph_result_text(result), step);
    check(stream, done, step);
    if (done) return;
  }
}

// What the library's worker takes memory for; too short for a frame, as ONNX Runtime ends the
// program when there is none.
void change_device(koemorph::Stream& stream) {
  stream.set_input_format(44100);
  stream.set_input_format(8000);
  stream.push(kVoice.data(), 1);
  stream.set_input_format(22050);
  stream.push(kVoice.data(), 1);
}

void own_worker(const koemorph::Model& model) {
  of_main = false;
  for (int step = 0, missed = 1; missed > 0; ++step) {
    koemorph::Stream stream(model, 48000, 1, true);
    push(stream);
    while (stream.info().frame_count < 5) std::this_thread::yield();  // all that are due
    refused = 0;
    left = step;
    change_device(stream);
    // As long as a busy machine may keep the worker from its work.
    for (int wait = 0; wait < 1000 && refused == 0; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    left = kEnough;
    missed = refused;
    const int64_t before = stream.info().frame_count;
    stream.set_input_format(16000);
    push(stream);
    while (stream.info().frame_count <= before) std::this_thread::yield();
  }
  of_main = true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  if (argv[2][0] == '\0') return 77;  // skipped: ONNX Runtime is missing
  is_main = true;
  const koemorph::Model model(argv[1], argv[2]);
  run_out(
      model, [](koemorph_stream* s) { return koemorph_stream_reset(s, 16000, 2); },
      [](koemorph::Stream& stream, bool done, int step) {
        // 9000 samples of the old device went before, 9000 or, in stereo, 4500 of the new follow.
        stream.push(kVoice.data(), done ? 4500 : 9000);
        expect(stream.info().pushed_samples == (done ? 4500 : 18000), "reset half done", step);
        expect(frames_after_flush(stream) == (done ? 8 : 11), "frames of a reset", step);
      });
  run_out(
      model, [](koemorph_stream* s) { return koemorph_stream_set_input_format(s, 16000, 2); },
      [](koemorph::Stream& stream, bool done, int step) {
        stream.push(kVoice.data(), done ? 4500 : 9000);
        expect(frames_after_flush(stream) == (done ? 14 : 11), "frames of a device", step);
      });
  run_out(
      model,
      [](koemorph_stream* s) {
        float means[8];
        return koemorph_debug_tap(s, KOEMORPH_DEBUG_POOLED_CONTEXT, means, 8, nullptr);
      },
      [](koemorph::Stream& stream, bool, int step) {
        expect(frames_after_flush(stream) == 6, "frames of a tapped stream", step);
      });
  own_worker(model);
  if (failures == 0) std::puts("ok");
  return failures;
}
