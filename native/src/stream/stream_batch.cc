#include "stream/stream_batch.h"

#include <algorithm>
#include <utility>

#include "util/denormals.h"

namespace koemorph {
namespace {

// Streams per inference call. With more, intermediate results no longer fit into the cache.
constexpr int kStreamsPerCall = 16;

}  // namespace

StreamBatch::StreamBatch(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)),
      capacity_(capacity),
      inference_(model_, std::min(capacity, kStreamsPerCall)) {
  pending_.reserve(capacity);
}

Status StreamBatch::process(Stream* const* streams, int count, int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  pending_.assign(streams, streams + count);
  for (Stream* stream : pending_) stream->apply_controls();
  Status failure;
  for (;;) {
    pending_.erase(std::remove_if(pending_.begin(), pending_.end(),
                                  [](Stream* stream) { return !stream->prepare_frame(); }),
                   pending_.end());
    if (pending_.empty()) return failure;
    // Grouped, so that calls without changed streams skip the expression branch of the network.
    std::partition(pending_.begin(), pending_.end(),
                   [](Stream* stream) { return stream->expression_changed(); });
    const int pending = static_cast<int>(pending_.size());
    for (int first = 0; first < pending; first += inference_.capacity()) {
      const int in_call = std::min(pending - first, inference_.capacity());
      Status status =
          Stream::run_inference(pending_.data() + first, in_call, &inference_, computed);
      if (!status.ok()) failure = std::move(status);
    }
  }
}

}  // namespace koemorph
