// Many streams computed with shared inference calls.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/inference.h"
#include "model/model.h"
#include "stream/stream.h"
#include "util/status.h"

namespace koemorph {

class StreamBatch {
 public:
  StreamBatch(std::shared_ptr<const Model> model, int capacity);

  int capacity() const { return capacity_; }
  const Model* model() const { return model_.get(); }

  // Computes all frames whose audio has arrived, for at most capacity() different streams of this
  // model; *computed: the number of frames of all streams.
  Status process(Stream* const* streams, int count, int64_t* computed);

 private:
  std::shared_ptr<const Model> model_;
  int capacity_;
  Inference inference_;
  std::vector<Stream*> pending_;  // streams that may have a further frame
};

}  // namespace koemorph
