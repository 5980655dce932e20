// The C API of stream batches.
#include <memory>

#include "api/api_support.h"

using koemorph::concurrent_call;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::ScopedEntry;

namespace {

koemorph_result check(const koemorph_stream_batch& batch, koemorph_stream* const* streams,
                      int32_t count) {
  if (count > batch.batch.capacity()) {
    return invalid("Too many streams: got %d, the capacity of the batch is %d.", count,
                   batch.batch.capacity());
  }
  for (int32_t i = 0; i < count; ++i) {
    if (streams[i] == nullptr) return invalid("streams[%d] is NULL.", i);
    const koemorph::Stream& stream = streams[i]->stream;
    if (stream.model() != batch.batch.model()) {
      return invalid("streams[%d] does not use the model of the batch.", i);
    }
    if (stream.has_worker()) {
      return invalid("streams[%d] is computed by a library worker. Create it with worker = 0.", i);
    }
    for (int32_t j = 0; j < i; ++j) {
      if (streams[j] == streams[i]) {
        return invalid("streams[%d] and streams[%d] are the same stream.", j, i);
      }
    }
  }
  return KOEMORPH_OK;
}

// Entry into the worker role of all streams of one call.
class BatchEntry {
 public:
  BatchEntry(koemorph_stream_batch* batch, koemorph_stream* const* streams, int32_t count)
      : entered_(batch->entered), count_(count) {
    entered_.clear();
    for (int32_t i = 0; i < count; ++i) {
      koemorph::Stream& stream = streams[i]->stream;
      if (!stream.worker_guard().enter()) return;
      entered_.push_back(&stream);
    }
  }
  ~BatchEntry() {
    for (koemorph::Stream* stream : entered_) stream->worker_guard().leave();
  }
  BatchEntry(const BatchEntry&) = delete;
  BatchEntry& operator=(const BatchEntry&) = delete;
  // False when another thread computes one of the streams.
  explicit operator bool() const { return static_cast<int32_t>(entered_.size()) == count_; }

 private:
  std::vector<koemorph::Stream*>& entered_;
  int32_t count_;
};

}  // namespace

extern "C" {

koemorph_result koemorph_stream_batch_create(const koemorph_model* model, int32_t capacity,
                                             koemorph_stream_batch** out) {
  if (model == nullptr || out == nullptr) {
    return invalid("koemorph_stream_batch_create: model or out is NULL.");
  }
  if (capacity < 1 || capacity > 1024) {
    return invalid("capacity out of range: got %d, expected 1 to 1024.", capacity);
  }
  return guarded([&] {
    *out = new koemorph_stream_batch(model->model, capacity);
    return KOEMORPH_OK;
  });
}

void koemorph_stream_batch_destroy(koemorph_stream_batch* batch) { delete batch; }

koemorph_result koemorph_stream_batch_process(koemorph_stream_batch* batch,
                                              koemorph_stream* const* streams, int32_t count) {
  if (batch == nullptr || count < 0 || (streams == nullptr && count > 0)) {
    return invalid(
        "koemorph_stream_batch_process: batch or streams is NULL, or count is negative (%d).",
        count);
  }
  const koemorph_result checked = check(*batch, streams, count);
  if (checked != KOEMORPH_OK) return checked;
  const ScopedEntry entry(batch->guard);
  if (!entry) return concurrent_call();
  return guarded([&] {
    const BatchEntry workers(batch, streams, count);
    if (!workers) return concurrent_call();
    int64_t computed = 0;
    const koemorph::Status status = batch->batch.process(batch->entered.data(), count, &computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

}  // extern "C"
