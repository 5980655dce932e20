// Evaluation of the network for one or more streams.
#pragma once

#include <memory>
#include <vector>

#include "model/model.h"
#include "util/status.h"

namespace koemorph {

// The network's input and output tensors for up to `capacity` streams, and the call that computes
// the outputs. The only interface between a Predictor and the inference backend: write the inputs
// of streams 0..count-1, run(count), read their outputs.
class Inference {
 public:
  // Of capacity 1: borrows a session of the model.
  Inference(std::shared_ptr<const Model> model, int capacity);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  // The inputs and outputs that the graph of a model with these settings must have.
  static Ports ports(const ModelSettings& settings);

  int capacity() const { return capacity_; }

  // Inputs of stream i: (bands,), (context_pool_blocks, bands), (detail_frames, bands), (52,),
  // (layers, 2, channels); with eGeMAPS also (windows, 88), (52, expression_embedding_size).
  float* mel(int i) { return input(kMel, i); }
  float* pooled_context(int i) { return input(kPooledContext, i); }
  float* detail(int i) { return input(kDetail, i); }
  float* previous_weights(int i) { return input(kPreviousWeights, i); }
  float* state_in(int i) { return input(kStateIn, i); }
  float* egemaps(int i) { return input(kEgemaps, i); }
  float* expression_embedding_in(int i) { return input(kExpressionEmbeddingIn, i); }
  // For all streams of the next run: whether the eGeMAPS input of any stream differs from the one
  // that its expression embedding was computed from. Without it the network skips that branch.
  void set_expression_changed(bool changed);

  // Computes the outputs of the first `count` streams.
  Status run(int count);

  // Outputs of stream i: (52,), (layers, channels), (52, expression_embedding_size).
  const float* weights(int i) const { return output(kWeights, i); }
  const float* state_out(int i) const { return output(kStateOut, i); }
  const float* expression_embedding_out(int i) const { return output(kExpressionEmbeddingOut, i); }

 private:
  enum Input {
    kMel,
    kPooledContext,
    kDetail,
    kPreviousWeights,
    kStateIn,
    kEgemaps,
    kExpressionEmbeddingIn,
    kExpressionChanged
  };
  enum Output { kWeights, kStateOut, kExpressionEmbeddingOut };

  float* input(Input index, int i) {
    return session_->input(index) + i * model_->ports().inputs[index].size();
  }
  const float* output(Output index, int i) const {
    return session_->output(index) + i * model_->ports().outputs[index].size();
  }

  std::shared_ptr<const Model> model_;
  int capacity_;
  std::unique_ptr<BackendSession> session_;
};

}  // namespace koemorph
