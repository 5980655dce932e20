#include "crowd.h"

#include <utility>

#include "denormals.h"

namespace koemorph {

Crowd::Crowd(std::shared_ptr<const Model> model, int capacity)
    : model_(std::move(model)), inference_(model_, capacity) {
  left_.reserve(capacity);
  ready_.reserve(capacity);
}

Status Crowd::process(Stream* const* streams, int count, int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  left_.assign(streams, streams + count);
  for (Stream* stream : left_) stream->begin();
  Status worst;
  while (!left_.empty()) {
    ready_.clear();
    for (Stream* stream : left_) {
      if (!stream->advance()) continue;
      stream->fill(&inference_, static_cast<int>(ready_.size()));
      ready_.push_back(stream);
    }
    const int batch = static_cast<int>(ready_.size());
    if (batch == 0) break;
    Status status = inference_.run(batch);
    for (int i = 0; i < batch; ++i) {
      ready_[i]->accept(status.ok() ? inference_.coefficients(i) : nullptr);
    }
    *computed += batch;
    if (!status.ok()) worst = std::move(status);
    left_.swap(ready_);
  }
  return worst;
}

}  // namespace koemorph
