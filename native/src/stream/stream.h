// The animation of one voice: all stages from pushed audio to sampled weights.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "audio/audio_buffer.h"
#include "face/face_post_processor.h"
#include "face/fade.h"
#include "features/feature_extractor.h"
#include "koemorph_debug.h"
#include "model/inference.h"
#include "model/model.h"
#include "model/predictor.h"
#include "stream/frame_buffer.h"
#include "util/status.h"
#include "util/thread_guard.h"
#include "util/triple_buffer.h"

namespace koemorph {

class Stream {
 public:
  // The config must have been validated (see api.cc).
  Stream(std::shared_ptr<const Model> model, const koemorph_stream_config& config);
  ~Stream();
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  // The caller enters the guard of its role: audio_guard() for push, set_input_format and flush,
  // worker_guard() for process and tap, game_guard() for sample, pull and fades; all three for
  // reset.
  ThreadGuard& audio_guard() { return audio_guard_; }
  ThreadGuard& worker_guard() { return worker_guard_; }
  ThreadGuard& game_guard() { return game_guard_; }

  // Audio thread.
  koemorph_result push(const float* interleaved, int32_t sample_count);
  // Allocates and locks. channels 0: unchanged.
  void set_input_format(int32_t sample_rate, int32_t channels);
  void flush() { flushed_.store(true, std::memory_order_release); }
  bool flushed() const { return flushed_.load(std::memory_order_acquire); }

  // Worker thread: computes all frames whose audio has arrived; *computed: their number.
  Status process(int64_t* computed);
  // The steps of process, for streams that share an inference. First apply_controls. Then, while
  // prepare_frame returns true, run_inference.
  void apply_controls();
  // Stages before the network. False when more audio is needed.
  bool prepare_frame();
  bool expression_changed() const { return predictor_.expression_changed(features_); }
  // Computes the prepared frames of `count` streams in one call and adds the number of finished
  // frames to *computed. Streams with expression_changed() come first. A stream that is still
  // warming up keeps its frame for the next call. When the inference fails, the frame repeats the
  // last weights.
  static Status run_inference(Stream* const* streams, int count, Inference* inference,
                              int64_t* computed);
  void reset(int32_t sample_rate, int32_t channels);
  // Number of values copied; -1 for an unknown stage.
  int tap(koemorph_debug_stage stage, float* out, int32_t count);
  bool has_worker() const { return worker_.joinable(); }

  // Game thread.
  bool sample(double time, float* weights, int32_t count) const;
  bool pull(float* weights, int32_t count, int64_t* index);
  // The controls have passed check_controls; they apply from the next computed frame on.
  void set_controls(const koemorph_controls& controls) { controls_.write(controls); }
  Fade& fade() { return fade_; }

  void get_info(koemorph_stream_info* info) const;
  int fps() const { return clock_.fps; }
  // Seconds: frame k needs audio up to k / fps + latency.
  double latency() const;
  int64_t pushed_samples() const { return audio_.pushed(); }
  // Samples held between push and process.
  int64_t buffer_capacity() const { return audio_.capacity(); }
  const Model* model() const { return model_.get(); }

 private:
  bool read_block();
  void skip_gap(int64_t lost);
  bool finish_frame(const Inference& inference, int i, bool succeeded);
  void start_worker();

  std::shared_ptr<const Model> model_;
  FrameClock clock_;
  double buffer_seconds_;
  AudioBuffer audio_;
  FeatureExtractor features_;
  Predictor predictor_;
  FacePostProcessor post_processor_;
  FrameBuffer frames_;
  Fade fade_;                                 // game thread
  TripleBuffer<koemorph_controls> controls_;  // from the game thread to the worker

  std::vector<float> block_;  // the last input block
  int block_size_ = 0;
  bool frame_pending_ = false;  // the features of a frame are complete and the network is next
  int64_t end_frame_;           // number of frames in total; known after flush

  ThreadGuard audio_guard_, worker_guard_, game_guard_;
  std::atomic<bool> flushed_{false};
  std::atomic<int64_t> dropped_{0};
  std::atomic<bool> stopping_{false};
  std::thread worker_;
};

}  // namespace koemorph
