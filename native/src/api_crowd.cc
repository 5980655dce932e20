// The C ABI of crowds.
#include <memory>

#include "api_support.h"

using koemorph::crossed;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::Visit;

namespace {

// NULL when the streams can be processed together, else the sentence that says why not.
const char* problem_of(const koemorph_crowd& crowd, koemorph_stream* const* streams,
                       int32_t count) {
  for (int32_t i = 0; i < count; ++i) {
    if (streams[i] == nullptr) return "A stream of the crowd is NULL.";
    const koemorph::Stream& stream = streams[i]->stream;
    if (stream.model() != crowd.crowd.model())
      return "A stream is of another model than its crowd.";
    if (stream.has_worker()) return "A stream that the library's worker computes fits no crowd.";
    for (int32_t j = 0; j < i; ++j) {
      if (streams[j] == streams[i]) return "A stream comes twice in one crowd.";
    }
  }
  return nullptr;
}

// The streams of one call, each entered as their worker.
class Gathering {
 public:
  Gathering(koemorph_crowd* crowd, koemorph_stream* const* streams, int32_t count)
      : streams_(crowd->streams), count_(count) {
    streams_.clear();
    for (int32_t i = 0; i < count; ++i) {
      koemorph::Stream& stream = streams[i]->stream;
      if (!stream.worker_door().enter()) return;
      streams_.push_back(&stream);
    }
  }
  ~Gathering() {
    for (koemorph::Stream* stream : streams_) stream->worker_door().leave();
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

koemorph_result koemorph_crowd_create(const koemorph_model* model, int32_t capacity,
                                      koemorph_crowd** out) {
  if (model == nullptr || out == nullptr || capacity < 1 || capacity > 1024) {
    return invalid("koemorph_crowd_create needs a model, a capacity of 1 to 1024 and a place.");
  }
  return guarded([&] {
    *out = new koemorph_crowd(model->model, capacity);
    return KOEMORPH_OK;
  });
}

void koemorph_crowd_destroy(koemorph_crowd* crowd) { delete crowd; }

koemorph_result koemorph_crowd_process(koemorph_crowd* crowd, koemorph_stream* const* streams,
                                       int32_t count) {
  if (crowd == nullptr || count < 0 || (streams == nullptr && count > 0)) {
    return invalid("koemorph_crowd_process needs a crowd and count >= 0 streams.");
  }
  if (count > crowd->crowd.capacity())
    return invalid("There are more streams than the crowd's capacity.");
  if (const char* problem = problem_of(*crowd, streams, count)) return invalid(problem);
  const Visit visit(crowd->door);
  if (!visit) return crossed();
  return guarded([&] {
    const Gathering gathering(crowd, streams, count);
    if (!gathering.complete()) return crossed();
    int64_t computed = 0;
    const koemorph::Status status = crowd->crowd.process(crowd->streams.data(), count, &computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

}  // extern "C"
