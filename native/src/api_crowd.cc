// The C ABI of crowds.
#include <memory>
#include <vector>

#include "api_support.h"

using koemorph::fail;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;

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

}  // namespace

extern "C" {

koemorph_result koemorph_crowd_create(const koemorph_model* model, int32_t capacity,
                                      koemorph_crowd** out) {
  if (model == nullptr || out == nullptr || capacity < 1 || capacity > 1024) {
    return invalid("koemorph_crowd_create needs a model, a capacity of 1 to 1024 and a place.");
  }
  return guarded([&] {
    *out = new koemorph_crowd{koemorph::Crowd(model->model, capacity)};
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
  return guarded([&] {
    std::vector<koemorph::Stream*> voices;
    voices.reserve(count);
    for (int32_t i = 0; i < count; ++i) voices.push_back(&streams[i]->stream);
    int64_t computed = 0;
    const koemorph::Status status = crowd->crowd.process(voices.data(), count, &computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

}  // extern "C"
