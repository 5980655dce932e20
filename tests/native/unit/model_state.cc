#include "model/model_state.h"

#include <limits>

#include "unit.h"

using koemorph::kBlendshapeCount;

KOEMORPH_TESTS(model_state) {
  koemorph::ModelSettings settings;
  settings.trunk_channels = 1;
  settings.trunk_dilations = {1, 2};
  settings.expression_embedding_size = 1;
  koemorph::ModelState state(settings);
  std::vector<float> weights(kBlendshapeCount, 0.5f);
  std::vector<float> embedding(kBlendshapeCount, 3.0f);

  // Warm-up takes one run per layer; its weights are discarded.
  const float room[] = {10.0f, 20.0f};
  EXPECT(!state.warmed_up());
  EXPECT(!state.push(weights.data(), room, embedding.data(), 0));
  EXPECT(!state.push(weights.data(), room, embedding.data(), 0));
  EXPECT(state.warmed_up());
  EXPECT(state.previous_weights()[0] == 0.0f);
  EXPECT(state.expression_embedding()[0] == 3.0f);
  float past[4];
  state.write_state(past);
  EXPECT(past[0] == 10.0f && past[1] == 10.0f && past[2] == 20.0f && past[3] == 20.0f);

  // Each layer returns its inputs of two dilations and one dilation ago.
  for (int frame = 1; frame <= 4; ++frame) {
    const float input[] = {static_cast<float>(frame), 100.0f * static_cast<float>(frame)};
    EXPECT(state.push(weights.data(), input, nullptr, 0));
  }
  state.write_state(past);
  EXPECT(past[0] == 3.0f && past[1] == 4.0f);      // dilation 1
  EXPECT(past[2] == 100.0f && past[3] == 300.0f);  // dilation 2
  EXPECT(state.previous_weights()[0] == 0.5f);

  // Invalid weights keep their predecessor, others are limited to [0, 1].
  weights[0] = std::numeric_limits<float>::quiet_NaN();
  weights[1] = 2.0f;
  weights[2] = -1.0f;
  const float input[] = {0.0f, 0.0f};
  EXPECT(state.push(weights.data(), input, nullptr, 0));
  EXPECT(state.previous_weights()[0] == 0.5f);
  EXPECT(state.previous_weights()[1] == 1.0f);
  EXPECT(state.previous_weights()[2] == 0.0f);
  state.reset();
  EXPECT(!state.warmed_up());
  EXPECT(state.embedding_update() == -1);
  EXPECT(state.previous_weights()[1] == 0.0f);
}
