#include "crowd.h"

#include <algorithm>
#include <utility>

#include "denormals.h"

namespace koemorph {
namespace {

// Voices in one call of the network: more would push its intermediate results out of the cache.
constexpr int kBatch = 16;

}  // namespace

Crowd::Crowd(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)),
      capacity_(capacity),
      inference_(model_, std::min(capacity, kBatch)) {
  inference_.mel(0);  // so that the memory is there before the first frame
  left_.reserve(capacity);
  again_.reserve(capacity);
  batch_.reserve(inference_.capacity());
}

Status Crowd::process(Stream* const* streams, int count, int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  left_.assign(streams, streams + count);
  for (Stream* stream : left_) stream->begin();
  Status worst;
  while (!left_.empty()) {
    again_.clear();
    for (Stream* stream : left_) {
      if (stream->advance()) {
        const int voice = static_cast<int>(batch_.size());
        stream->fill(&inference_, voice);
        const Window& window = stream->window();
        std::copy_n(window.data(), window.size(), inference_.mel(voice));
        batch_.push_back(stream);
        again_.push_back(stream);
      }
      const bool last = stream == left_.back();
      if (batch_.empty() || (!last && static_cast<int>(batch_.size()) < inference_.capacity())) {
        continue;
      }
      Status status = run_batch();
      if (!status.ok()) worst = std::move(status);
    }
    *computed += static_cast<int64_t>(again_.size());
    left_.swap(again_);
  }
  return worst;
}

Status Crowd::run_batch() {
  const int count = static_cast<int>(batch_.size());
  Status status = inference_.run(count);
  for (int i = 0; i < count; ++i) {
    batch_[i]->accept(status.ok() ? inference_.coefficients(i) : nullptr);
  }
  batch_.clear();
  return status;
}

}  // namespace koemorph
