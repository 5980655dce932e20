// Shared by the files of the C API: the objects behind the handles, and error reporting.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <thread>
#include <utility>
#include <vector>

#include "koemorph.h"
#include "model/model.h"
#include "player/player.h"
#include "retarget/retarget_map.h"
#include "stream/stream.h"
#include "stream/stream_batch.h"

struct koemorph_model {
  std::shared_ptr<const koemorph::Model> model;
};

struct koemorph_stream {
  template <typename... Arguments>
  explicit koemorph_stream(Arguments&&... arguments)
      : stream(std::forward<Arguments>(arguments)...) {}
  koemorph::Stream stream;
};

struct koemorph_stream_batch {
  koemorph_stream_batch(std::shared_ptr<const koemorph::Model> model, int capacity)
      : batch(std::move(model), capacity) {
    entered.reserve(capacity);
  }
  koemorph::StreamBatch batch;
  std::vector<koemorph::Stream*> entered;  // the streams of the call in progress
  koemorph::ThreadGuard guard;
};

struct koemorph_player {
  koemorph_player(std::shared_ptr<const koemorph::Model> model,
                  const koemorph_stream_config& config, koemorph::AudioFormat format)
      : stream(std::move(model), config), player(stream.stream, format) {}
  koemorph_stream stream;
  koemorph::Player player;
};

struct koemorph_retarget_map {
  koemorph::RetargetMap map;
};

namespace koemorph {

#if defined(__GNUC__)
#define KOEMORPH_PRINTF(format_index) \
  __attribute__((format(printf, format_index, format_index + 1)))
#else
#define KOEMORPH_PRINTF(format_index)
#endif

// Stores the message for koemorph_error_message and returns `result`. Does not allocate.
KOEMORPH_PRINTF(2) koemorph_result fail(koemorph_result result, const char* format, ...);

// The same for KOEMORPH_INVALID_ARGUMENT.
KOEMORPH_PRINTF(1) koemorph_result invalid(const char* format, ...);

// For a call while another thread is in a call with the same tag of the same object.
koemorph_result concurrent_call();

// For a call after flush that needs a reset first.
koemorph_result stream_flushed();

// KOEMORPH_OK, or KOEMORPH_INVALID_ARGUMENT with a message.
koemorph_result check_sample_rate(int32_t rate);
koemorph_result check_channels(int32_t channels, int32_t minimum);
koemorph_result check_format(int32_t sample_rate, int32_t channels, int32_t minimum_channels);

inline koemorph_result finish(const Status& status) {
  return status.ok() ? KOEMORPH_OK : fail(status.result, "%s", status.message.c_str());
}

// Runs code that may throw; no exception leaves the library.
template <typename Body>
koemorph_result guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(KOEMORPH_OUT_OF_MEMORY, "There is not enough memory.");
  } catch (const std::exception& error) {
    return fail(KOEMORPH_INFERENCE_FAILED, "%s", error.what());
  } catch (...) {
    return fail(KOEMORPH_INFERENCE_FAILED, "An unknown error occurred.");
  }
}

// Copies the fields that the caller's version of a config has; the others keep their defaults.
template <typename Config>
bool copy_config(const Config* from, Config* to) {
  if (from == nullptr || from->size < sizeof(uint32_t) || from->size > 4096) return false;
  std::memcpy(to, from, std::min<size_t>(from->size, sizeof(Config)));
  to->size = sizeof(Config);
  return true;
}

// Writes the fields that the caller's version of an info struct has; false when its size is not
// set.
template <typename Info>
bool write_info(const Info& from, Info* to) {
  if (to == nullptr || to->size < sizeof(uint32_t)) return false;
  const auto size = static_cast<uint32_t>(std::min<size_t>(to->size, sizeof(Info)));
  std::memcpy(to, &from, size);
  to->size = size;
  return true;
}

// Entry into the worker role by a caller: waits for the library's own worker, but not for another
// thread of the caller.
class WorkerEntry {
 public:
  explicit WorkerEntry(Stream& stream) : guard_(stream.worker_guard()) {
    entered_ = guard_.enter();
    while (!entered_ && stream.has_worker()) {
      std::this_thread::yield();
      entered_ = guard_.enter();
    }
  }
  ~WorkerEntry() {
    if (entered_) guard_.leave();
  }
  WorkerEntry(const WorkerEntry&) = delete;
  WorkerEntry& operator=(const WorkerEntry&) = delete;
  explicit operator bool() const { return entered_; }

 private:
  ThreadGuard& guard_;
  bool entered_;
};

}  // namespace koemorph
