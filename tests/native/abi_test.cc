// Tests of the C API: invalid arguments, config structs of older callers, allocations and
// locks; and of koemorph.hpp.
//   abi_test MODEL MAP
#include <pthread.h>

#include <climits>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "koemorph.hpp"
#include "koemorph_debug.h"

// KOEMORPH_SANITIZED: a sanitizer counts malloc for itself.
#if defined(__GLIBC__) && !defined(KOEMORPH_SANITIZED)
#define COUNT_CALLS 1
#include <dlfcn.h>
#else
#define COUNT_CALLS 0
#endif

namespace {

thread_local int allocations = 0;
thread_local int locks = 0;
int failures = 0;

void expect(bool holds, const char* what, int line) {
  if (holds) return;
  std::fprintf(stderr, "abi_test.cc:%d: %s\n", line, what);
  ++failures;
}
#define EXPECT(condition) expect((condition), #condition, __LINE__)

}  // namespace

#if COUNT_CALLS
extern "C" void* __libc_malloc(size_t size);
extern "C" void* malloc(size_t size) {
  ++allocations;
  return __libc_malloc(size);
}
extern "C" int pthread_mutex_lock(pthread_mutex_t* mutex) noexcept {
  using Lock = int (*)(pthread_mutex_t*);
  static const auto real = reinterpret_cast<Lock>(dlsym(RTLD_NEXT, "pthread_mutex_lock"));
  ++locks;
  return real(mutex);
}
#endif

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr koemorph_result kInvalid = KOEMORPH_INVALID_ARGUMENT;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

bool has_error_message() {
  const std::string message = koemorph_error_message();
  return !message.empty() && message.back() == '.';
}

// Calls every function with NULL arguments.
void test_null_arguments() {
  koemorph_model_config_init(nullptr);
  koemorph_stream_config_init(nullptr);
  koemorph_controls_init(nullptr);
  koemorph_model_destroy(nullptr);
  koemorph_stream_destroy(nullptr);
  koemorph_stream_batch_destroy(nullptr);
  koemorph_retarget_map_destroy(nullptr);
  EXPECT(koemorph_version() != nullptr);
  EXPECT(koemorph_result_text(static_cast<koemorph_result>(99)) != nullptr);
  EXPECT(koemorph_blendshape_name(-1) == nullptr);
  EXPECT(koemorph_blendshape_name(52) == nullptr);
  EXPECT(koemorph_blendshape_name(INT32_MIN) == nullptr);
  EXPECT(koemorph_model_metadata(nullptr, "fps") == nullptr);
  EXPECT(koemorph_retarget_map_count(nullptr) == 0);
  EXPECT(koemorph_retarget_map_name(nullptr, 0) == nullptr);
  EXPECT(koemorph_retarget_map_is_driven(nullptr, 0) == 0);
  const std::function<koemorph_result()> calls[] = {
      [] { return koemorph_model_load(nullptr, nullptr); },
      [] { return koemorph_stream_create(nullptr, nullptr, nullptr); },
      [] { return koemorph_stream_push(nullptr, nullptr, 0); },
      [] { return koemorph_stream_set_input_format(nullptr, 48000, 1); },
      [] { return koemorph_stream_flush(nullptr); },
      [] { return koemorph_stream_process(nullptr); },
      [] { return koemorph_stream_sample(nullptr, 0.0, nullptr, 0); },
      [] { return koemorph_stream_pull(nullptr, nullptr, 0, nullptr); },
      [] { return koemorph_debug_tap(nullptr, KOEMORPH_DEBUG_MEL_FRAME, nullptr, 0, nullptr); },
      [] { return koemorph_stream_reset(nullptr, 0, 0); },
      [] { return koemorph_stream_get_info(nullptr, nullptr); },
      [] { return koemorph_stream_set_controls(nullptr, nullptr); },
      [] { return koemorph_stream_fade_out(nullptr, 0.0, 0.0); },
      [] { return koemorph_stream_fade_in(nullptr, 0.0, 0.0); },
      [] { return koemorph_controls_from_preset(nullptr, 0, nullptr); },
      [] { return koemorph_stream_batch_create(nullptr, 1, nullptr); },
      [] { return koemorph_stream_batch_process(nullptr, nullptr, 0); },
      [] { return koemorph_retarget_map_load(nullptr, 0, nullptr, 0, nullptr); },
      [] { return koemorph_retarget_map_apply(nullptr, nullptr, nullptr, 0); },
  };
  for (const auto& call : calls) {
    EXPECT(call() == kInvalid);
    EXPECT(has_error_message());
  }
}

// Invalid numbers with valid objects.
void test_invalid_numbers(const koemorph::Model& model, const std::string& map) {
  koemorph::Stream stream(model, 48000);
  float weights[KOEMORPH_BLENDSHAPE_COUNT];
  koemorph_stream* const handle = stream.get();
  EXPECT(koemorph_stream_push(handle, weights, -1) == kInvalid);
  EXPECT(koemorph_stream_push(handle, nullptr, 1) == kInvalid);
  EXPECT(koemorph_stream_push(handle, nullptr, 0) == KOEMORPH_OK);
  EXPECT(koemorph_stream_process(handle) == KOEMORPH_NO_FRAME);
  EXPECT(koemorph_stream_sample(handle, 0.0, weights, -1) == kInvalid);
  for (const double time : {kNan, -1e308, 1e308, double{INFINITY}}) {
    EXPECT(koemorph_stream_sample(handle, time, weights, INT32_MAX) == KOEMORPH_NO_FRAME);
    EXPECT(weights[0] == 0.0f && weights[KOEMORPH_BLENDSHAPE_COUNT - 1] == 0.0f);
  }
  EXPECT(koemorph_stream_pull(handle, weights, INT32_MAX, nullptr) == KOEMORPH_NO_FRAME);
  EXPECT(koemorph_debug_tap(handle, static_cast<koemorph_debug_stage>(99), weights, 1, nullptr) ==
         kInvalid);
  EXPECT(koemorph_stream_set_input_format(handle, 0, 1) == kInvalid);
  EXPECT(koemorph_stream_set_input_format(handle, INT32_MAX, 1) == kInvalid);
  EXPECT(koemorph_stream_set_input_format(handle, 48000, -1) == kInvalid);
  EXPECT(koemorph_stream_reset(handle, 1, 0) == kInvalid);
  EXPECT(koemorph_stream_reset(handle, 0, 65) == kInvalid);
  EXPECT(koemorph_stream_fade_out(handle, kNan, 1.0) == kInvalid);
  EXPECT(koemorph_stream_fade_in(handle, 0.0, -1.0) == kInvalid);
  koemorph_controls controls = koemorph::default_controls();
  controls.lower_strength = static_cast<float>(kNan);
  EXPECT(koemorph_stream_set_controls(handle, &controls) == kInvalid);
  EXPECT(koemorph_controls_from_preset("{", UINT64_MAX, &controls) == kInvalid);

  koemorph_stream* no_stream = nullptr;
  koemorph_stream_config config;
  const auto is_rejected = [&](auto change) {
    koemorph_stream_config_init(&config);
    change();
    return koemorph_stream_create(model.get(), &config, &no_stream) == kInvalid &&
           has_error_message();
  };
  EXPECT(is_rejected([&] { config.size = 0; }));
  EXPECT(is_rejected([&] { config.size = UINT32_MAX; }));
  EXPECT(is_rejected([&] { config.sample_rate = INT32_MAX; }));
  EXPECT(is_rejected([&] { config.channels = 0; }));
  EXPECT(is_rejected([&] { config.fps = 24; }));
  EXPECT(is_rejected([&] { config.buffer_seconds = kNan; }));
  EXPECT(is_rejected([&] { config.history_seconds = 1e300; }));
  EXPECT(no_stream == nullptr);

  koemorph_stream_batch* no_batch = nullptr;
  EXPECT(koemorph_stream_batch_create(model.get(), INT32_MAX, &no_batch) == kInvalid);
  koemorph_retarget_map* no_map = nullptr;
  EXPECT(koemorph_retarget_map_load(map.data(), UINT64_MAX, nullptr, 0, &no_map) == kInvalid);
  EXPECT(koemorph_retarget_map_load(map.data(), map.size(), nullptr, INT32_MAX, &no_map) ==
         kInvalid);
  const char* const names[] = {nullptr};
  EXPECT(koemorph_retarget_map_load(map.data(), map.size(), names, 1, &no_map) == kInvalid);
  const koemorph::RetargetMap retarget(map);
  EXPECT(retarget.name(-1).empty() && retarget.name(INT32_MAX).empty());
  koemorph::Face face{};
  std::vector<float> rig_weights(retarget.count());
  retarget.apply(face, rig_weights.data(), INT32_MAX);
  bool thrown = false;
  try {
    const koemorph::RetargetMap broken("{}");
  } catch (const koemorph::Error& error) {
    thrown = error.result() == kInvalid && std::strlen(error.what()) > 0;
  }
  EXPECT(thrown);
}

// A long message is truncated at a character boundary, so that it stays valid UTF-8.
void test_long_messages_stay_valid_utf8() {
  for (int begin = 0; begin < 3; ++begin) {
    std::string name(begin, 'a');
    for (int i = 0; i < 600; ++i) name += "\xE3\x81\x82";
    const std::string map =
        R"({"koemorph": "retarget", "version": 1, "name": "a", "targets": {")" + name + R"(": 3}})";
    koemorph_retarget_map* no_map = nullptr;
    EXPECT(koemorph_retarget_map_load(map.data(), map.size(), nullptr, 0, &no_map) == kInvalid);
    const std::string message = koemorph_error_message();
    EXPECT(message.size() > 1000 && message.compare(message.size() - 3, 3, "\xE3\x81\x82") == 0);
  }
}

// A struct of a caller that was built against an older version with fewer fields. The allocation
// has exactly its size, so that an address sanitizer detects reads beyond it.
template <typename Struct>
std::unique_ptr<char[]> older_struct(const Struct& whole, size_t size) {
  auto bytes = std::make_unique<char[]>(size);
  std::memcpy(bytes.get(), &whole, size);
  const auto size_field = static_cast<uint32_t>(size);
  std::memcpy(bytes.get(), &size_field, sizeof size_field);
  return bytes;
}

void test_older_structs(const koemorph::Model& model) {
  koemorph_stream_config config;
  koemorph_stream_config_init(&config);
  config.sample_rate = 16000;
  config.history_seconds = kNan;  // beyond the older struct: must not be read
  const auto old_config = older_struct(config, offsetof(koemorph_stream_config, buffer_seconds));
  koemorph_stream* stream = nullptr;
  EXPECT(koemorph_stream_create(model.get(),
                                reinterpret_cast<koemorph_stream_config*>(old_config.get()),
                                &stream) == KOEMORPH_OK);
  if (stream == nullptr) return;

  koemorph_controls controls = koemorph::default_controls();
  controls.idle = static_cast<float>(kNan);
  const auto old_controls = older_struct(controls, offsetof(koemorph_controls, blink));
  EXPECT(koemorph_stream_set_controls(
             stream, reinterpret_cast<koemorph_controls*>(old_controls.get())) == KOEMORPH_OK);

  const std::vector<float> silence(1600);
  EXPECT(koemorph_stream_push(stream, silence.data(), 1600) == KOEMORPH_OK);
  const auto old_info =
      older_struct(koemorph_stream_info{}, offsetof(koemorph_stream_info, dropped_samples));
  auto* info = reinterpret_cast<koemorph_stream_info*>(old_info.get());
  EXPECT(koemorph_stream_get_info(stream, info) == KOEMORPH_OK);
  EXPECT(info->pushed_samples == 1600);
  koemorph_stream_destroy(stream);
}

// The functions of the audio and the game thread of a player.
void test_player_allocates_and_locks_nothing(const koemorph::Model& model) {
  koemorph::Player player(model, 48000, 2, false);
  const std::vector<float> block(2 * 800, 0.1f);
  double now = 100.0;
  for (int round = 0; round < 200; ++round, now += 1.0 / 60) {
    allocations = locks = 0;
    // Speech, a stop, and speech again.
    if (round < 60 || round > 120) player.feed(block.data(), 800, 48000, 2, now);
    const int audio_thread = allocations + locks;
    allocations = locks = 0;
    player.update(now);
    player.set_latency(0.05, 0.01);
    player.sample();
    EXPECT(player.state().speaking == (round < 69 || round > 120));
    EXPECT(audio_thread == 0);
    EXPECT(allocations + locks == 0);
    player.process();
  }
}

// The functions of the audio and the game thread.
void test_no_allocations_and_locks(const koemorph::Model& model, const std::string& map) {
  koemorph::Stream stream(model, 48000, 2);
  const koemorph::RetargetMap retarget(map);
  std::vector<float> block(2 * 480, 0.1f);
  std::vector<float> weights(retarget.count());
  koemorph_controls controls = koemorph::default_controls();
  koemorph::Face face{};
  int frames = 0;
  for (int round = 0; round < 200; ++round) {
    allocations = locks = 0;
    stream.push(block.data(), 480);
    const int audio_thread = allocations + locks;
    stream.process();
    allocations = locks = 0;
    controls.symmetry = 0.005f * static_cast<float>(round);
    stream.set_controls(controls);
    stream.fade_out(1.0, 0.1);
    stream.fade_in(1.2, 0.1);
    face = stream.sample(0.01 * round);
    while (stream.pull(face)) ++frames;
    retarget.apply(face, weights.data(), retarget.count());
    EXPECT(stream.info().pushed_samples == 480 * (round + 1));
    EXPECT(audio_thread == 0);
    EXPECT(allocations + locks == 0);
  }
  allocations = 0;
  stream.flush();
  EXPECT(allocations == 0);
  EXPECT(frames > 50);
#if COUNT_CALLS
  std::free(std::malloc(1));
  EXPECT(allocations == 1);  // the counter works
#endif
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  const std::string map = read_file(argv[2]);
  test_null_arguments();
  test_long_messages_stay_valid_utf8();
  {
    const koemorph::Model model(argv[1]);
    EXPECT(model.metadata("fps") == "30");
    EXPECT(model.metadata("no such key").empty());
    test_invalid_numbers(model, map);
    test_older_structs(model);
    test_no_allocations_and_locks(model, map);
    test_player_allocates_and_locks_nothing(model);
  }
  if (failures == 0) std::puts("ok");
  return failures == 0 ? 0 : 1;
}
