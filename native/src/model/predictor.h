// Stage `model`: the network with its state, for one stream.
#pragma once

#include <array>

#include "face/blendshapes.h"
#include "features/feature_extractor.h"
#include "model/inference.h"
#include "model/model.h"
#include "model/model_state.h"

namespace koemorph {

// Writes the network's inputs for a frame and reads its outputs. The inference itself belongs to
// the caller, who may compute several streams in one call.
class Predictor {
 public:
  explicit Predictor(const ModelSettings& settings) : state_(settings) {}

  // Whether the eGeMAPS functionals are newer than the expression embedding.
  bool expression_changed(const FeatureExtractor& features) const;
  // Writes the inputs of stream `i` of the batch.
  void write_inputs(FeatureExtractor* features, Inference* inference, int i) const;
  // Reads the outputs of stream `i`. False while the state warms up: the same frame must be
  // computed again.
  bool read_outputs(const FeatureExtractor& features, const Inference& inference, int i);
  void reset();

  // (52,): the network's last output, unchanged; and finite and within [0, 1].
  const float* raw_weights() const { return raw_weights_.data(); }
  const float* weights() const { return state_.previous_weights(); }

 private:
  ModelState state_;
  std::array<float, kBlendshapeCount> raw_weights_{};
};

}  // namespace koemorph
