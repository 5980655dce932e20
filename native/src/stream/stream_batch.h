// Many voices through one call of the network.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "model/inference.h"
#include "model/model.h"
#include "util/status.h"
#include "stream/stream.h"

namespace koemorph {

class StreamBatch {
 public:
  StreamBatch(std::shared_ptr<const Model> model, int capacity);

  int capacity() const { return capacity_; }
  const Model* model() const { return model_.get(); }

  // Computes every frame whose audio has arrived, for at most capacity() different streams of this
  // model; *computed: how many frames in all. A failed inference leaves those faces as they were.
  Status process(Stream* const* streams, int count, int64_t* computed);

 private:
  Status run_batch(Stream* const* streams, int count, int64_t* computed);

  std::shared_ptr<const Model> model_;
  int capacity_;
  Inference inference_;
  std::vector<Stream*> left_;  // those that may have a further frame
};

}  // namespace koemorph
