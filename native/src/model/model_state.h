// The recurrent state of the network for one stream.
#pragma once

#include <array>
#include <cstdint>
#include <vector>

#include "face/blendshapes.h"
#include "model/model.h"

namespace koemorph {

// Holds what the network returned for earlier frames and gets as input again: the inputs of its
// dilated layers, its last weights (it smooths its own output) and the expression embedding.
//
// Warm-up: the state before the first frame is that of a constant input, the first frame limited to
// the ambient noise floor. It is found by running the network on that input once per layer; each
// run makes the state of one more layer exact.
class ModelState {
 public:
  explicit ModelState(const ModelSettings& settings);

  // Writes (layers, 2, channels): the input of each layer two dilations and one dilation ago.
  void write_state(float* out) const;
  // (52,): the last output, finite and within [0, 1].
  const float* previous_weights() const { return previous_weights_.data(); }
  // (52, expression_embedding_size), computed from eGeMAPS update embedding_update() (-1: none).
  const std::vector<float>& expression_embedding() const { return embedding_; }
  int64_t embedding_update() const { return embedding_update_; }
  bool warmed_up() const { return warm_layers_ == layers_.size(); }

  // Takes the outputs of one run: weights (52,), state (layers, channels) and embedding
  // (52, expression_embedding_size), which is not read when `update` is embedding_update(). False
  // for a run of the warm-up, whose weights are discarded.
  bool push(const float* weights, const float* state, const float* embedding, int64_t update);
  void reset();

 private:
  // Ring of the newest 2 * dilation inputs of a layer; frame k is at k % (2 * dilation).
  struct Layer {
    int64_t dilation;
    std::vector<float> inputs;
  };

  // Stores the input of a layer at the current frame, or at all frames during the warm-up.
  void push_layer(Layer* layer, const float* input) const;
  void push_weights(const float* weights);

  int channels_;
  std::vector<Layer> layers_;
  size_t warm_layers_ = 0;  // layers whose state before the first frame is exact
  int64_t frame_ = 0;
  std::array<float, kBlendshapeCount> previous_weights_{};
  std::vector<float> embedding_;
  int64_t embedding_update_ = -1;
};

}  // namespace koemorph
