// Keeps a stream in sync with an audio source that starts, stops, pauses, seeks and drifts.
#pragma once

#include <atomic>
#include <cstdint>
#include <limits>

#include "koemorph.h"
#include "player/clip_follower.h"
#include "player/playback_clock.h"
#include "player/weight_blend.h"
#include "stream/stream.h"
#include "util/thread_guard.h"
#include "util/triple_buffer.h"

namespace koemorph {

struct AudioFormat {
  int32_t sample_rate = 0;  // Hz; 0: none
  int32_t channels = 0;
};

// The audio guard of the stream is the right to push. The audio thread only tries to enter it; the
// game thread holds it while it pushes silence or changes the format. Blocks that arrive meanwhile
// are replaced by silence, so that stream time has no gap.
class Player {
 public:
  // format: of the fed audio; sample_rate 0: that of the first block.
  Player(Stream& stream, AudioFormat format);

  // Audio thread. KOEMORPH_BLOCK_REPLACED for a block in a new format, and one that arrives while
  // the game thread pushes.
  koemorph_result feed(const float* interleaved, int32_t sample_count, AudioFormat format,
                       double now);

  // Game thread, as all of the following; with the game guard of the stream.
  // The format of a block that does not match the stream's; sample_rate 0: there was none.
  AudioFormat requested_format() const;
  // Allocates. Waits for a feed in progress.
  void set_format(AudioFormat format, double now);
  AudioFormat format() const { return format_; }

  void update(double now, koemorph_pause pause);
  void follow_clip(const koemorph_clip_state& clip, double now, koemorph_pause pause);
  // The clip samples to feed next; 0: none, the audio reaches far enough ahead.
  int32_t next_read(int64_t* position);
  // False, and weights of 0, before the first frame.
  bool sample(float* weights, int32_t count);

  void set_latency(double output_latency, double delay);
  void fade_out(double seconds);
  void fade_in(double seconds);
  void stop() { stop_requested_ = true; }
  // With no other call in progress, after a reset of the stream.
  void reset();
  void get_state(koemorph_player_state* state) const;

 private:
  void push_silence(int64_t sample_count);
  void push_silence_after_stop(int64_t fed, double now);
  void read_anchor();
  void measure_block(double seconds, double now);
  double end_seconds() const;
  double latency() const;
  double display_latency() const;
  bool is_held(double now, koemorph_pause pause, bool active);
  double pass_time(double now);
  void hold(double now);
  void advance(double clock_now, const TimeAnchor& anchor);
  void set_speaking(bool speaking);

  Stream& stream_;
  int64_t capacity_;  // samples of the stream's audio buffer
  ThreadGuard feed_guard_;

  // Guarded by the audio guard of the stream; only the game thread changes the format.
  AudioFormat format_;
  double format_start_ = 0.0;         // stream time at which the format starts, s
  int64_t pushed_before_format_ = 0;  // samples
  double last_feed_ = -std::numeric_limits<double>::infinity();  // `now` of the last block
  TripleBuffer<TimeAnchor> anchors_;  // end of the audio, from the audio thread

  std::atomic<int64_t> fed_{0};             // accepted blocks
  std::atomic<int64_t> replaced_{0};        // samples of replaced blocks, not yet pushed as silence
  std::atomic<int64_t> requested_{0};       // sample rate << 32 | channels; 0: none
  std::atomic<double> block_seconds_{0.0};  // longest recent block or interval between blocks

  TimeAnchor anchor_;  // the newest one read
  PlaybackClock clock_;
  ClipFollower clip_;
  WeightBlend blend_;
  double ahead_ = 0.0;  // stream time up to which a clip is to be read
  double output_latency_ = -1.0, delay_ = 0.0;
  bool updated_ = false;      // there was an update
  double last_update_ = 0.0;  // `now` of the last update
  int64_t fed_at_update_ = 0;
  bool silent_ = false;  // the source has stopped and silence is pushed
  bool speaking_ = false;
  bool stop_requested_ = false;
  bool held_ = false;

  bool was_paused_ = false, audio_paused_ = false, plays_during_pause_ = false;
  double pause_start_ = 0.0;

  bool faded_out_ = false;  // by fade_out
  // Playback time at which idle motion fades in after a stop.
  double idle_time_ = std::numeric_limits<double>::infinity();
};

}  // namespace koemorph
