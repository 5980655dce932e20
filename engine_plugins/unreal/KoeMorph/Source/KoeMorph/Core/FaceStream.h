// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <array>
#include <memory>
#include <string>

#include "Model.h"

namespace koemorph_plugin {

using Weights = std::array<float, KOEMORPH_BLENDSHAPE_COUNT>;

// Owns a native player: a stream in sync with an audio source, which takes its format from the
// pushed audio. It may outlive its audio source (hold it by shared_ptr). `wall`: monotonic seconds.
class FaceStream {
 public:
  explicit FaceStream(std::shared_ptr<const Model> model);

  // [any one thread] Pushes interleaved samples in [-1, 1]; sample_count is per channel. Wait-free,
  // does not allocate. False if the block is dropped or replaced by silence.
  bool Push(const float* interleaved, int sample_count, int sample_rate, int channels, double wall);

  // [game] Advances to `wall`. paused: the game is paused; audio that continues is followed. False,
  // with an error message, if the stream cannot continue.
  bool Update(double wall, std::string* error, bool paused = false);

  // [game] Applies controls with a transition. False, with an error message, if a control is out of
  // range.
  bool SetControls(const koemorph_controls& controls, std::string* error);

  // [game] Seconds by which the weights are displayed later than as early as possible.
  void SetDelay(double delay);

  // [game] Weights at the playback time, which is returned; neutral before the first frame.
  double Sample(Weights* weights) const;

  // [game] Fades to neutral weights, which hold until FadeIn.
  void FadeOut(double seconds);
  // [game] Reverts FadeOut.
  void FadeIn(double seconds);

  // [game] Stream time of the last Update, in seconds.
  double playback_time() const { return State().playback_time; }
  // [game] True while the source delivers audio.
  bool speaking() const { return State().speaking != 0; }
  // [game] True if the last Update passed no time: the game and its audio are paused.
  bool paused() const { return State().paused != 0; }

  // [game] Counters of the native stream.
  koemorph_stream_info Info() const;

 private:
  struct PlayerDeleter {
    decltype(&::koemorph_player_destroy) destroy;
    void operator()(koemorph_player* player) const { destroy(player); }
  };

  koemorph_player_state State() const;

  const std::shared_ptr<const Model> model_;
  std::unique_ptr<koemorph_player, PlayerDeleter> player_;
};

// The defaults, overridden by the controls in a preset file. False, with an error message, if the
// text is not a preset.
bool ReadPreset(const Api& api, const std::string& json, koemorph_controls* controls,
                std::string* error);

// "eyeBlinkLeft" -> "EyeBlinkLeft": the spelling of ARKit names in Live Link, MetaHumans and Unreal
// curves.
std::string CurveName(const Api& api, int index);

}  // namespace koemorph_plugin
