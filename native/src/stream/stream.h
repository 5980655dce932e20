// One voice being animated: the stages, one after the other.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <thread>
#include <vector>

#include "audio/audio_buffer.h"
#include "features/context_pool.h"
#include "face/controls.h"
#include "audio/input_resampler.h"
#include "util/thread_guard.h"
#include "egemaps/egemaps.h"
#include "stream/frame_buffer.h"
#include "audio/gate.h"
#include "util/triple_buffer.h"
#include "model/inference.h"
#include "face/idle_motion.h"
#include "features/mel.h"
#include "model/model.h"
#include "model/model_state.h"
#include "face/fade.h"
#include "model/smooth.h"
#include "util/status.h"
#include "koemorph_debug.h"

namespace koemorph {

class Stream {
 public:
  // The config must have been checked (see api.cc).
  Stream(std::shared_ptr<const Model> model, const koemorph_stream_config& config);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // Who calls enters the door of the thread it is: audio_guard() for push and flush, worker_guard()
  // for what computes, game_guard() for what reads; reset goes through all three.
  ThreadGuard& audio_guard() { return audio_guard_; }
  ThreadGuard& worker_guard() { return worker_guard_; }
  ThreadGuard& game_guard() { return game_guard_; }

  // Audio thread.
  koemorph_result push(const float* interleaved, int32_t frames);
  // Allocates and locks. channels 0: as many as before.
  void set_input_format(int32_t sample_rate, int32_t channels);
  void flush() { flushed_.store(true, std::memory_order_release); }
  bool flushed() const { return flushed_.load(std::memory_order_acquire); }

  // Worker thread: every frame whose audio has arrived; *computed: how many.
  Status process(int64_t* computed);
  // The steps of that, for a batch, which runs the network between them for many streams at once:
  // take over new settings; go on until a frame's features are there, false when audio is lacking;
  // copy them to voice `i`; take that voice's answer, or note that there is none, and finish the
  // frame (true) unless the network must be asked about it once more (false).
  void begin();
  bool advance();
  // Whether the emotion features of that frame are others than those of the last.
  bool feels_anew() const;
  void fill(Inference* inference, int i);
  bool accept(Inference* inference, int i, bool answered);
  void reset(int32_t sample_rate, int32_t channels);
  // Number of values copied; -1 for an unknown stage.
  int tap(koemorph_debug_stage stage, float* out, int32_t count);
  bool has_worker() const { return worker_.joinable(); }

  // Game thread.
  bool sample(double time, float* weights, int32_t n) const;
  bool pull(float* weights, int32_t n, int64_t* index);
  // The settings have passed check_controls; they hold from the next frame computed.
  void set_controls(const koemorph_controls& settings) { settings_.put(settings); }
  Fade& fade() { return fade_; }

  void get_info(koemorph_stream_info* info) const;
  int fps() const { return clock_.fps; }
  const Model* model() const { return model_.get(); }

 private:
  bool refill();
  void hear(const float* samples, int count);
  void jump(int64_t lost);
  void start_worker();

  std::shared_ptr<const Model> model_;
  FrameClock clock_;
  double buffer_seconds_;
  AudioBuffer audio_;
  InputResampler input_resampler_;
  Gate gate_;
  Mel mel_;
  std::optional<Egemaps> egemaps_;  // where the model listens to it
  ContextPool context_pool_;
  ModelState model_state_;
  std::unique_ptr<Inference> inference_;  // from the first process on: a batch brings its own
  Smooth smooth_;
  Controls controls_;
  IdleMotion idle_motion_;
  FrameBuffer frames_;
  TripleBuffer<koemorph_controls> settings_;  // from the game thread to the worker
  Fade fade_;                           // the game thread's

  float raw_[kBlendshapeCount] = {};   // the network's last answer
  float controlled_[kBlendshapeCount] = {};  // the last frame after the controls
  float face_[kBlendshapeCount] = {};        // the same after idle motion
  std::vector<float> block_;        // what audio gave last
  int block_size_ = 0;
  int heard_ = 0;        // how many of the resampled samples have gone into the features
  bool asking_ = false;  // a frame's features are there, and the network is to answer
  int64_t end_;          // no frame from this index on; known once the voice has ended

  ThreadGuard audio_guard_, worker_guard_, game_guard_;
  std::atomic<bool> flushed_{false};
  std::atomic<int64_t> dropped_{0};
  std::atomic<bool> stopping_{false};
  std::thread worker_;
};

}  // namespace koemorph
