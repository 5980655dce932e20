// What the parts of the C ABI share: the objects behind its handles, and how failures leave it.
#pragma once

#include <algorithm>
#include <cstring>
#include <exception>
#include <memory>
#include <new>
#include <utility>
#include <vector>

#include "stream/stream_batch.h"
#include "koemorph.h"
#include "model/model.h"
#include "retarget/retarget.h"
#include "stream/stream.h"

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
    streams.reserve(capacity);
  }
  koemorph::StreamBatch batch;
  std::vector<koemorph::Stream*> streams;  // while it processes
  koemorph::ThreadGuard door;
};

struct koemorph_retarget_map {
  koemorph::Retarget map;
};

namespace koemorph {

// Keeps the sentence for koemorph_error_message. Does not allocate.
koemorph_result fail(koemorph_result result, const char* sentence);

inline koemorph_result invalid(const char* sentence) {
  return fail(KOEMORPH_INVALID_ARGUMENT, sentence);
}

// For a call that found another thread at the same door.
inline koemorph_result crossed() {
  return fail(KOEMORPH_INVALID_STATE,
              "Another thread is inside such a call of the same object; each of its thread tags is "
              "for one thread at a time.");
}

inline koemorph_result finish(const Status& status) {
  return status.ok() ? KOEMORPH_OK : fail(status.result, status.message.c_str());
}

// Runs what may throw; no exception leaves the library.
template <typename Body>
koemorph_result guarded(Body body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    return fail(KOEMORPH_OUT_OF_MEMORY, "There is not enough memory.");
  } catch (const std::exception& error) {
    return fail(KOEMORPH_INFERENCE_FAILED, error.what());
  } catch (...) {
    return fail(KOEMORPH_INFERENCE_FAILED, "An unknown error occurred.");
  }
}

// Takes over what the caller's version of a config knows; the rest keeps its defaults.
template <typename Config>
bool copy_config(const Config* from, Config* to) {
  if (from == nullptr || from->size < sizeof(uint32_t) || from->size > 4096) return false;
  std::memcpy(to, from, std::min<size_t>(from->size, sizeof(Config)));
  to->size = sizeof(Config);
  return true;
}

}  // namespace koemorph
