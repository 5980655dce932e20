// One call of the network, for one voice or many.
#pragma once

#include <memory>
#include <vector>

#include "model/model.h"
#include "model/onnxruntime.h"
#include "util/status.h"

namespace koemorph {

// The network's inputs and outputs for up to `capacity` voices at once, in memory of our own.
class Inference {
 public:
  Inference(std::shared_ptr<const Model> model, int capacity);
  ~Inference();
  Inference(const Inference&) = delete;
  Inference& operator=(const Inference&) = delete;

  int capacity() const { return capacity_; }
  // Where voice i's inputs go: (bands,), (blocks, bands), (detail_frames, bands), (52,),
  // (layers, 2, channels), and where the network listens to it (windows, 88), (52, felt_size).
  float* mel(int i) { return inputs_[kMel].of(i); }
  float* blocks(int i) { return inputs_[kBlocks].of(i); }
  float* detail(int i) { return inputs_[kDetail].of(i); }
  float* previous(int i) { return inputs_[kPrevious].of(i); }
  float* past(int i) { return inputs_[kPast].of(i); }
  float* egemaps(int i) { return inputs_[kEgemaps].of(i); }
  float* felt(int i) { return inputs_[kFelt].of(i); }
  // Before a run: whether any voice's egemaps are others than those that its felt was made of.
  void set_changed(bool changed);
  // Runs the first `count` voices; then the outputs are (52,), (layers, channels) and
  // (52, felt_size).
  Status run(int count);
  const float* blendshapes(int i) { return outputs_[kWeights].of(i); }
  const float* present(int i) { return outputs_[kPresent].of(i); }
  const float* feeling(int i) { return outputs_[kFeeling].of(i); }

 private:
  enum Input { kMel, kBlocks, kDetail, kPrevious, kPast, kEgemaps, kFelt, kChanged, kInputs };
  enum Output { kWeights, kPresent, kFeeling, kOutputs };
  struct Tensor {
    const char* name;
    std::vector<int64_t> shape;  // its first entry is the number of voices
    size_t size;                 // floats a voice
    std::vector<float> data;
    std::vector<ort::Value*> values;  // by number of voices; NULL until it comes up
    float* of(int i) { return data.data() + i * size; }
  };
  Tensor tensor(const char* name, std::vector<int64_t> shape_of_one) const;
  Status bind(Tensor* tensor, int count);

  std::shared_ptr<const Model> model_;
  int capacity_;
  std::vector<Tensor> inputs_;
  std::vector<Tensor> outputs_;
};

}  // namespace koemorph
