// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "AudioClock.h"
#include "Model.h"

namespace koemorph_plugin {

using Weights = std::array<float, KOEMORPH_BLENDSHAPE_COUNT>;

// One animated stream: one thread pushes audio, the game thread samples weights. It may outlive its
// audio source (hold it by shared_ptr), takes its format from the pushed audio, and continues when
// the format changes.
class FaceStream {
 public:
  explicit FaceStream(std::shared_ptr<const Model> model);

  // [any one thread] Pushes interleaved samples in [-1, 1]; sample_count is per channel. Wait-free,
  // does not allocate. Returns false if the block is dropped: the first block and blocks in a new
  // format only announce the format until Update applies it, and are replaced by silence; a block
  // is also dropped while the game thread pushes silence or applies a format. `wall`: monotonic
  // seconds.
  bool Push(const float* interleaved, int sample_count, int sample_rate, int channels, double wall);

  // [game] Applies a new format, and pushes silence while the source is stopped. False, with an
  // error message, if the stream cannot continue.
  bool Update(double wall, std::string* error);

  // [game] Call this each frame before Update and Sample. True if both must be skipped: the game is
  // paused and its audio stopped, so no stream time passes. False for audio that plays during a
  // pause; if that audio stops during the pause, it is handled as a stop.
  bool UpdatePause(bool paused, double wall);

  // [game] Applies controls with a transition. False, with an error message, if a control is out of
  // range.
  bool SetControls(const koemorph_controls& controls, std::string* error);

  // [game] Weights of the audio that was pushed `latency` seconds ago; neutral before the first
  // frame. Fades out when speech stops; later idle motion fades in. Returns the stream time.
  double Sample(double wall, double latency, Weights* weights);

  // [game] Fades to neutral weights, which hold until FadeIn.
  void FadeOut(double seconds);
  // [game] Reverts FadeOut.
  void FadeIn(double seconds);

  // [game] Stream time of the last Sample, in seconds.
  double playback_time() const { return playback_time_; }

  // [game] True while the source delivers audio.
  bool speaking() const { return speaking_; }

  // [game] Seconds between pushing audio and displaying it without steps: model latency, one frame
  // for interpolation, and one block that has not arrived yet. 0 before the first block.
  double DisplayLatency() const;

  // [game] Counters of the native stream; all 0 before the first block.
  koemorph_stream_info Info() const;

 private:
  class PushGuard;

  bool Open(int sample_rate, int channels, double wall, std::string* error);
  bool ApplyFormat(double wall, std::string* error);
  void SetFormat(int sample_rate, int channels);
  void PushSilenceAfterStop(int64_t pushed, double wall);
  void PushSilence(double seconds, double wall);
  bool PushGuarded(const float* interleaved, int sample_count, double wall);
  double PushedSeconds() const;
  void UpdateFade(double time);
  void Fade(bool out, double time, double seconds);

  const std::shared_ptr<const Model> model_;
  // True while a thread pushes: the library allows one pushing thread at a time, and the audio
  // thread must not wait.
  std::atomic<bool> pushing_{false};
  // Guarded by pushing_; only the game thread changes it.
  StreamHandle stream_{nullptr, StreamHandleDeleter{nullptr}};
  int sample_rate_ = 0;
  int channels_ = 0;
  // Start of the current format: stream time (s), and the samples pushed before it.
  double format_start_ = 0;
  int64_t pushed_before_format_ = 0;
  std::atomic<int64_t> pushed_{0};
  std::atomic<int> last_block_{0};
  // Sample rate << 8 | channels of a rejected block; 0: no block was rejected.
  std::atomic<int64_t> requested_format_{0};
  // Seconds of rejected blocks; guarded by pushing_.
  double rejected_seconds_ = 0;

  AudioClock clock_;
  std::vector<float> silence_;
  koemorph_controls controls_;
  int64_t pushed_after_silence_ = 0;
  int64_t pushed_at_update_ = 0;
  double pause_start_ = 0;  // s of wall time
  int64_t pushed_at_pause_ = 0;
  bool paused_ = false;
  bool audio_paused_ = false;
  bool plays_during_pause_ = false;
  bool silent_ = true;
  bool speaking_ = false;

  double playback_time_ = 0;  // s of stream time at the last Sample
  bool faded_speaking_ = false;
  bool faded_out_ = false;
  // Stream time at which idle motion fades in after a stop.
  double idle_time_ = std::numeric_limits<double>::infinity();
};

// The defaults, overridden by the controls in a preset file. False, with an error message, if the
// text is not a preset.
bool ReadPreset(const Api& api, const std::string& json, koemorph_controls* controls,
                std::string* error);

// "eyeBlinkLeft" -> "EyeBlinkLeft": the spelling of ARKit names in Live Link, MetaHumans and Unreal
// curves.
std::string CurveName(const Api& api, int index);

}  // namespace koemorph_plugin
