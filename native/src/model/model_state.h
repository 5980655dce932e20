// Stage `model`'s memory: what the network made of earlier frames and is handed again.
#pragma once

#include <cstdint>
#include <vector>

#include "model/model.h"

namespace koemorph {

// A stream begins in a room, that of its first frame, which has been there all the time and so does
// not begin to sound. What the network makes of the room is found by asking it as often as it has
// layers: each time, one layer more knows what it would have heard.
class ModelState {
 public:
  explicit ModelState(const ModelSettings& settings);

  // past: (layers, 2, channels), what each layer's input was two and one of its dilations ago.
  void past(float* out) const;
  // (52, felt_size): what the emotion stream made of its update number felt_update(), -1: none yet.
  const std::vector<float>& felt() const { return felt_; }
  int64_t felt_update() const { return felt_update_; }
  // Whether the room is known; until then the network is to be asked about it.
  bool settled() const { return settled_ == layers_.size(); }

  // The network has answered; present: (layers, channels); feeling: (52, felt_size), not read when
  // it is of the update that is known. False when it was about the room, so that it must be asked
  // again.
  bool push(const float* present, const float* feeling, int64_t update);
  void reset();

 private:
  // The newest 2 * dilation inputs of a layer; frame k lies at k % (2 * dilation).
  struct Layer {
    int64_t dilation;
    std::vector<float> inputs;
  };

  // Puts a layer's input in the place of this frame, or in all.
  void remember(Layer* layer, const float* input) const;

  int channels_;
  std::vector<Layer> layers_;
  size_t settled_ = 0;  // layers that know what came before the first frame
  int64_t frame_ = 0;
  std::vector<float> felt_;
  int64_t felt_update_ = -1;
};

}  // namespace koemorph
