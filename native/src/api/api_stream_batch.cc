// The C ABI of batches.
#include <memory>

#include "api/api_support.h"

using koemorph::crossed;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::ScopedEntry;

namespace {

// NULL when the streams can be processed together, else the sentence that says why not.
const char* problem_of(const koemorph_stream_batch& batch, koemorph_stream* const* streams,
                       int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (streams[i] == nullptr) return "A stream of the batch is NULL.";
    const koemorph::Stream& stream = streams[i]->stream;
    if (stream.model() != batch.batch.model())
      return "A stream is of another model than its batch.";
    if (stream.has_worker()) return "A stream that the library's worker computes fits no batch.";
    for (int32_t j = 0; j < i; ++j) {
      if (streams[j] == streams[i]) return "A stream comes twice in one batch.";
    }
  }
  return nullptr;
}

// The streams of one call, each entered as their worker.
class Gathering {
 public:
  Gathering(koemorph_stream_batch* batch, koemorph_stream* const* streams, int32_t count)
      : streams_(batch->streams), count_(count) {
    streams_.clear();
    for (int32_t i = 0; i < count; ++i) {
      koemorph::Stream& stream = streams[i]->stream;
      if (!stream.worker_guard().enter()) return;
      streams_.push_back(&stream);
    }
  }
  ~Gathering() {
    for (koemorph::Stream* stream : streams_) stream->worker_guard().leave();
  }
  Gathering(const Gathering&) = delete;
  Gathering& operator=(const Gathering&) = delete;
  // False when another thread computes one of them.
  bool complete() const { return static_cast<int32_t>(streams_.size()) == count_; }

 private:
  std::vector<koemorph::Stream*>& streams_;
  int32_t count_;
};

}  // namespace

extern "C" {

koemorph_result koemorph_stream_batch_create(const koemorph_model* model, int32_t capacity,
                                      koemorph_stream_batch** out) {
  if (model == nullptr || out == nullptr || capacity < 1 || capacity > 1024) {
    return invalid("koemorph_stream_batch_create needs a model, a capacity of 1 to 1024 and a place.");
  }
  return guarded([&] {
    *out = new koemorph_stream_batch(model->model, capacity);
    return KOEMORPH_OK;
  });
}

void koemorph_stream_batch_destroy(koemorph_stream_batch* batch) { delete batch; }

koemorph_result koemorph_stream_batch_process(koemorph_stream_batch* batch, koemorph_stream* const* streams,
                                       int32_t count) {
  if (batch == nullptr || count < 0 || (streams == nullptr && count > 0)) {
    return invalid("koemorph_stream_batch_process needs a batch and count >= 0 streams.");
  }
  if (count > batch->batch.capacity())
    return invalid("There are more streams than the batch's capacity.");
  if (const char* problem = problem_of(*batch, streams, count)) return invalid(problem);
  const ScopedEntry visit(batch->door);
  if (!visit) return crossed();
  return guarded([&] {
    const Gathering gathering(batch, streams, count);
    if (!gathering.complete()) return crossed();
    int64_t computed = 0;
    const koemorph::Status status = batch->batch.process(batch->streams.data(), count, &computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

}  // extern "C"
