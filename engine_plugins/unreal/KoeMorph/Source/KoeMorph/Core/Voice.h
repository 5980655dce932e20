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

// One voice between the thread that brings its audio and the game thread that shows its face. It
// outlives whatever feeds it (hold it by shared_ptr), takes the format of the audio as it comes,
// and goes on in time when another device brings another one.
class Voice {
 public:
  explicit Voice(std::shared_ptr<const Model> model);

  // [any one thread] Feeds interleaved samples in [-1, 1]. Wait-free and without allocation. The
  // first block only makes its format known; those in another format do, too, and are silence until
  // Update. One that comes at the very moment the game thread feeds silence or takes up a new
  // format is left out. `wall`: monotonic seconds.
  bool Feed(const float* interleaved, int frames, int sample_rate, int channels, double wall);

  // [game] Takes up a new format and makes up for a source that has stopped, with silence. False,
  // with a sentence, when the voice cannot go on.
  bool Update(double wall, std::string* problem);

  // [game] Before Update and Show, each frame. True in place of them where the game is paused and
  // the sound stands still with it: no time passes, and the face stays as it is. False for sound
  // that pauses do not stop, which also ends in one as ever.
  bool Hold(bool paused, double wall);

  // [game] How the voice moves the face from now on; changes glide. False, with a sentence, when a
  // control is out of its range.
  bool SetControls(const koemorph_controls& controls, std::string* problem);

  // [game] The face that belongs to what is heard now, `delay` seconds after it was fed; at rest
  // while there is none. Where the voice has stopped, the face falls to rest, and lives on later.
  // Returns the stream time shown.
  double Show(double wall, double delay, Weights* weights);

  // [game] From now on the face falls to rest over some seconds, whatever the voice says, and stays
  // there until FadeIn takes that back.
  void FadeOut(double seconds);
  void FadeIn(double seconds);

  // [game] The stream time that Show showed last, s.
  double shown() const { return shown_; }

  // [game] True while audio is coming in.
  bool speaking() const { return speaking_; }

  // [game] Seconds by which a face that glides instead of stepping is behind its audio: what the
  // model looks ahead, the frame after the moment shown, and the block that is still on its way. 0
  // while there is none.
  double Lag() const;

  // [game] Counters of the native stream; all 0 while there is none.
  koemorph_stream_info Info() const;

 private:
  class Feeder;

  bool Open(int sample_rate, int channels, double wall, std::string* problem);
  bool ChangeDevice(double wall, std::string* problem);
  void SetFormat(int sample_rate, int channels);
  void FeedSilence(int64_t fed, double wall);
  void PushSilence(double seconds, double wall);
  bool Push(const float* interleaved, int frames, double wall);
  double Reached() const;
  void FollowVoice(double time);
  void Turn(bool relax, double time, double seconds);

  const std::shared_ptr<const Model> model_;
  // True while a thread feeds: the library wants one feeder at a time, and the audio thread must
  // not wait.
  std::atomic<bool> feeding_{false};
  // Guarded by feeding_; only the game thread changes it.
  Stream stream_{nullptr, StreamDeleter{nullptr}};
  int sample_rate_ = 0;
  int channels_ = 0;
  // Where the present device began: stream time (s), and what had been fed by then.
  double device_time_ = 0;
  int64_t device_fed_ = 0;
  std::atomic<int64_t> fed_{0};
  std::atomic<int> block_{0};
  // Sample rate << 8 | channels of a block that did not fit; 0: none.
  std::atomic<int64_t> wanted_{0};
  // s of blocks that did not fit; guarded by feeding_.
  double missed_ = 0;

  AudioClock clock_;
  std::vector<float> silence_;
  koemorph_controls controls_;
  int64_t fed_after_silence_ = 0;
  int64_t fed_at_look_ = 0;  // when Update looked last
  double paused_at_ = 0;     // s; wall time at which the pause began
  int64_t paused_fed_ = 0;
  bool paused_ = false;
  bool held_ = false;
  bool plays_on_ = false;
  bool silent_ = true;
  bool speaking_ = false;

  double shown_ = 0;  // s of stream time; what Show showed last
  bool shown_speaking_ = false;
  bool faded_out_ = false;
  // Stream time at which a face whose voice has stopped lives on.
  double lives_ = std::numeric_limits<double>::infinity();
};

// The controls that a preset file's text says, over the defaults. False, with a sentence, when it
// is no preset.
bool ReadPreset(const Api& api, const std::string& json, koemorph_controls* controls,
                std::string* problem);

// "eyeBlinkLeft" -> "EyeBlinkLeft": how Live Link, MetaHuman and Unreal's curves spell Apple's
// names.
std::string CurveName(const Api& api, int index);

}  // namespace koemorph_plugin
