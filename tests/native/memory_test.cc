// Out of memory at each allocation of a stream.
//   memory_test MODEL
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

constexpr int kUnlimited = -1;
thread_local bool is_main = false;
std::atomic<bool> limits_main_thread{true};  // false: the limit applies to the worker
std::atomic<int> remaining{kUnlimited};      // allocations that succeed before the first failure
std::atomic<int> failed_allocations{0};
int failures = 0;

void expect(bool holds, const char* what, int allocations) {
  if (holds) return;
  std::fprintf(stderr, "memory_test: %s (with %d allocations)\n", what, allocations);
  ++failures;
}

bool allocation_succeeds() {
  if (remaining == kUnlimited || is_main != limits_main_thread) return true;
  if (remaining > 0) {
    --remaining;
    return true;
  }
  ++failed_allocations;
  return false;
}

}  // namespace

void* operator new(std::size_t size) {
  void* memory = allocation_succeeds() ? std::malloc(size > 0 ? size : 1) : nullptr;
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

// Runs `call` with 0, 1, 2, ... successful allocations until it succeeds. After each attempt
// `check` tests the stream.
void test_out_of_memory(const koemorph::Model& model,
                        const std::function<koemorph_result(koemorph_stream*)>& call,
                        const std::function<void(koemorph::Stream&, bool, int)>& check) {
  for (int allocations = 0;; ++allocations) {
    koemorph::Stream stream(model, 48000);
    push(stream);
    stream.process();
    remaining = allocations;
    const koemorph_result result = call(stream.get());
    remaining = kUnlimited;
    const bool done = result == KOEMORPH_OK;
    expect(done || result == KOEMORPH_OUT_OF_MEMORY, koemorph_result_text(result), allocations);
    check(stream, done, allocations);
    if (done) return;
  }
}

// Changes for which the library's worker allocates. The audio is too short for a frame.
void change_formats(koemorph::Stream& stream) {
  stream.set_input_format(44100);
  stream.set_input_format(8000);
  stream.push(kVoice.data(), 1);
  stream.set_input_format(22050);
  stream.push(kVoice.data(), 1);
}

void test_library_worker(const koemorph::Model& model) {
  limits_main_thread = false;
  for (int allocations = 0, failures_in_worker = 1; failures_in_worker > 0; ++allocations) {
    koemorph::Stream stream(model, 48000, 1, true);
    push(stream);
    while (stream.info().frame_count < 5) std::this_thread::yield();  // all frames of the audio
    failed_allocations = 0;
    remaining = allocations;
    change_formats(stream);
    // Up to a second, because the worker may be delayed on a busy machine.
    for (int wait = 0; wait < 1000 && failed_allocations == 0; ++wait) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    remaining = kUnlimited;
    failures_in_worker = failed_allocations;
    const int64_t before = stream.info().frame_count;
    stream.set_input_format(16000);
    push(stream);
    while (stream.info().frame_count <= before) std::this_thread::yield();
  }
  limits_main_thread = true;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  is_main = true;
  const koemorph::Model model(argv[1]);
  test_out_of_memory(
      model, [](koemorph_stream* s) { return koemorph_stream_reset(s, 16000, 2); },
      [](koemorph::Stream& stream, bool done, int allocations) {
        // After 9000 samples in the old format follow 9000, or in stereo 4500.
        stream.push(kVoice.data(), done ? 4500 : 9000);
        expect(stream.info().pushed_samples == (done ? 4500 : 18000), "partial reset", allocations);
        expect(frames_after_flush(stream) == (done ? 8 : 11), "frames after reset", allocations);
      });
  test_out_of_memory(
      model, [](koemorph_stream* s) { return koemorph_stream_set_input_format(s, 16000, 2); },
      [](koemorph::Stream& stream, bool done, int allocations) {
        stream.push(kVoice.data(), done ? 4500 : 9000);
        expect(frames_after_flush(stream) == (done ? 14 : 11), "frames after set_input_format",
               allocations);
      });
  test_out_of_memory(
      model,
      [](koemorph_stream* s) {
        float means[8];
        return koemorph_debug_tap(s, KOEMORPH_DEBUG_POOLED_CONTEXT, means, 8, nullptr);
      },
      [](koemorph::Stream& stream, bool, int allocations) {
        expect(frames_after_flush(stream) == 6, "frames after tap", allocations);
      });
  test_library_worker(model);
  if (failures == 0) std::puts("ok");
  return failures;
}
