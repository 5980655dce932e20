#include "stream/stream_batch.h"

#include <algorithm>
#include <utility>

#include "util/denormals.h"

namespace koemorph {
namespace {

// Voices in one call of the network: more would push its intermediate results out of the cache.
constexpr int kBatch = 16;

}  // namespace

StreamBatch::StreamBatch(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)),
      capacity_(capacity),
      inference_(model_, std::min(capacity, kBatch)) {
  left_.reserve(capacity);
}

Status StreamBatch::process(Stream* const* streams, int count, int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  left_.assign(streams, streams + count);
  for (Stream* stream : left_) stream->begin();
  Status worst;
  for (;;) {
    left_.erase(std::remove_if(left_.begin(), left_.end(), [](Stream* s) { return !s->advance(); }),
                left_.end());
    if (left_.empty()) return worst;
    // Those that feel anew go together, so that the others' calls leave the emotion stream out.
    std::partition(left_.begin(), left_.end(), [](Stream* s) { return s->feels_anew(); });
    const int waiting = static_cast<int>(left_.size());
    for (int first = 0; first < waiting; first += inference_.capacity()) {
      const int together = std::min(waiting - first, inference_.capacity());
      Status status = run_batch(left_.data() + first, together, computed);
      if (!status.ok()) worst = std::move(status);
    }
  }
}

Status StreamBatch::run_batch(Stream* const* streams, int count, int64_t* computed) {
  inference_.set_changed(streams[0]->feels_anew());  // those that do come first
  for (int i = 0; i < count; ++i) streams[i]->fill(&inference_, i);
  Status status = inference_.run(count);
  for (int i = 0; i < count; ++i) {
    if (streams[i]->accept(&inference_, i, status.ok())) ++*computed;
  }
  return status;
}

}  // namespace koemorph
