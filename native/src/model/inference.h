// Evaluation of the network for one or more streams.
#pragma once

#include <memory>
#include <vector>

#include "model/model.h"
#include "model/onnxruntime.h"
#include "util/status.h"

namespace koemorph {

// The network's input and output tensors for up to `capacity` streams, and the call that computes
// the outputs. The only interface between a Predictor and the inference backend: write the inputs
// of streams 0..count-1, run(count), read their outputs.
class Inference {
 public:
  Inference(std::shared_ptr<const Model> model, int capacity);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  int capacity() const { return capacity_; }

  // Inputs of stream i: (bands,), (context_pool_blocks, bands), (detail_frames, bands), (52,),
  // (layers, 2, channels); with eGeMAPS also (windows, 88), (52, expression_embedding_size).
  float* mel(int i) { return inputs_[kMel].of(i); }
  float* pooled_context(int i) { return inputs_[kPooledContext].of(i); }
  float* detail(int i) { return inputs_[kDetail].of(i); }
  float* previous_weights(int i) { return inputs_[kPreviousWeights].of(i); }
  float* state_in(int i) { return inputs_[kStateIn].of(i); }
  float* egemaps(int i) { return inputs_[kEgemaps].of(i); }
  float* expression_embedding_in(int i) { return inputs_[kExpressionEmbeddingIn].of(i); }
  // For all streams of the next run: whether the eGeMAPS input of any stream differs from the one
  // that its expression embedding was computed from. Without it the network skips that branch.
  void set_expression_changed(bool changed);

  // Computes the outputs of the first `count` streams.
  Status run(int count);

  // Outputs of stream i: (52,), (layers, channels), (52, expression_embedding_size).
  const float* weights(int i) const { return outputs_[kWeights].of(i); }
  const float* state_out(int i) const { return outputs_[kStateOut].of(i); }
  const float* expression_embedding_out(int i) const {
    return outputs_[kExpressionEmbeddingOut].of(i);
  }

 private:
  enum Input {
    kMel,
    kPooledContext,
    kDetail,
    kPreviousWeights,
    kStateIn,
    kEgemaps,
    kExpressionEmbeddingIn,
    kExpressionChanged,
    kInputCount
  };
  enum Output { kWeights, kStateOut, kExpressionEmbeddingOut, kOutputCount };
  struct Tensor {
    const char* name;
    std::vector<int64_t> shape;  // shape[0] is the number of streams
    size_t size;                 // floats per stream
    std::vector<float> data;
    std::vector<ort::Value*> values;  // by number of streams; NULL until first used
    float* of(int i) { return data.data() + i * size; }
    const float* of(int i) const { return data.data() + i * size; }
  };
  Tensor tensor(const char* name, std::vector<int64_t> stream_shape) const;
  Status bind(Tensor* tensor, int count);

  std::shared_ptr<const Model> model_;
  int capacity_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
};

}  // namespace koemorph
