// Stage `model`'s memory: what the network made of earlier frames and is handed again.
#pragma once

#include <cstdint>
#include <vector>

#include "model.h"

namespace koemorph {

// Zeros stand for what was never heard.
class Recall {
 public:
  explicit Recall(const ModelSettings& settings);

  // past: (layers, 2, channels), what each layer's input was two and one of its dilations ago.
  void past(float* out) const;
  // (52, felt_size): what the emotion stream made of its update number felt_update(), -1: none yet.
  const std::vector<float>& felt() const { return felt_; }
  int64_t felt_update() const { return felt_update_; }

  // A frame is done; present: (layers, channels); feeling: (52, felt_size), not read when it is of
  // the update that is known.
  void push(const float* present, const float* feeling, int64_t update);
  // A frame failed: as if nothing had been heard in it.
  void skip();
  void reset();

 private:
  // The newest 2 * dilation inputs of a layer; frame k lies at k % (2 * dilation).
  struct Layer {
    int64_t dilation;
    std::vector<float> inputs;
  };

  int channels_;
  std::vector<Layer> layers_;
  int64_t frame_ = 0;
  std::vector<float> felt_;
  int64_t felt_update_ = -1;
};

}  // namespace koemorph
