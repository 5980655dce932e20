#include "stream/stream.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "util/denormals.h"

namespace koemorph {
namespace {

constexpr int64_t kUnknownEnd = std::numeric_limits<int64_t>::max();
constexpr int kBlockSize = 1024;  // input samples per block

}  // namespace

Stream::Stream(std::shared_ptr<const Model> model, const koemorph_stream_config& config)
    : model_(std::move(model)),
      clock_(model_->settings().mel.clock),
      buffer_seconds_(config.buffer_seconds),
      audio_(static_cast<int64_t>(buffer_seconds_ * config.sample_rate), config.channels),
      features_(model_->settings(), config.sample_rate, kBlockSize),
      predictor_(model_->settings()),
      post_processor_(clock_.fps),
      frames_(static_cast<int>(std::ceil(config.history_seconds * clock_.fps)), kBlendshapeCount,
              clock_.fps),
      block_(kBlockSize),
      end_frame_(kUnknownEnd) {
  if (config.worker != 0) start_worker();
}

Stream::~Stream() {
  stopping_.store(true);
  if (worker_.joinable()) worker_.join();
}

void Stream::start_worker() {
  // Polling, because waking a thread is a system call, which the audio thread must not make.
  const auto interval = std::chrono::milliseconds(std::max(1, 250 / clock_.fps));
  worker_ = std::thread([this, interval] {
    while (!stopping_.load()) {
      int64_t computed = 0;
      bool failed = false;
      try {
        if (const ScopedEntry entry{worker_guard_}) failed = !process(&computed).ok();
      } catch (...) {  // out of memory
        failed = true;
      }
      // After a failure the next frame may succeed.
      if (failed || computed == 0) std::this_thread::sleep_for(interval);
    }
  });
}

koemorph_result Stream::push(const float* interleaved, int32_t sample_count) {
  if (flushed()) return KOEMORPH_INVALID_STATE;
  audio_.push(interleaved, sample_count);
  return KOEMORPH_OK;
}

void Stream::set_input_format(int32_t sample_rate, int32_t channels) {
  features_.set_sample_rate(audio_.pushed(), sample_rate);
  if (channels != 0) audio_.set_channels(channels);
}

Status Stream::process(int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  Status failure;
  apply_controls();
  if (!prepare_frame()) return failure;
  Inference inference(model_, 1);
  while (prepare_frame()) {
    Stream* const self = this;
    Status status = run_inference(&self, 1, &inference, computed);
    if (!status.ok()) failure = std::move(status);
  }
  return failure;
}

void Stream::apply_controls() {
  const koemorph_controls* controls = controls_.read();
  if (controls == nullptr) return;
  features_.set_controls(*controls);
  post_processor_.set_controls(*controls);
}

bool Stream::prepare_frame() {
  if (frame_pending_) return true;
  while (!features_.extract_frame(end_frame_)) {  // mel, eGeMAPS, context pool
    if (!read_block()) return false;              // audio buffer, resampler, gate
  }
  frame_pending_ = true;
  return true;
}

Status Stream::run_inference(Stream* const* streams, int count, Inference* inference,
                             int64_t* computed) {
  inference->set_expression_changed(streams[0]->expression_changed());
  for (int i = 0; i < count; ++i) {
    streams[i]->predictor_.write_inputs(&streams[i]->features_, inference, i);
  }
  Status status = inference->run(count);
  for (int i = 0; i < count; ++i) {
    if (streams[i]->finish_frame(*inference, i, status.ok())) ++*computed;
  }
  return status;
}

bool Stream::finish_frame(const Inference& inference, int i, bool succeeded) {
  if (succeeded && !predictor_.read_outputs(features_, inference, i)) return false;
  frame_pending_ = false;
  const int64_t index = features_.frame_index();
  features_.next_frame();
  post_processor_.apply(index, predictor_.weights());  // controls, idle motion
  frames_.push(index, post_processor_.final_weights());
  return true;
}

// Passes the next block of audio to the features. After flush: silence, for the frames that still
// lack lookahead.
bool Stream::read_block() {
  // Read before the audio: everything pushed before the flush is then in the buffer.
  const bool flushing = flushed();
  InputResampler& resampler = features_.resampler();
  int64_t lost = 0;
  int count = audio_.read(block_.data(), resampler.next_count(audio_.pushed()), &lost);
  if (lost > 0) {
    skip_gap(lost);
    // The gap may have reached beyond a change of the input format.
    const int same_format = resampler.next_count(resampler.position() + count);
    audio_.unread(count - same_format);
    count = same_format;
  }
  const bool has_audio = count > 0;
  if (!has_audio) {
    if (!flushing) return false;
    end_frame_ = resampler.frames(clock_);
    if (features_.frame_index() >= end_frame_) {
      frames_.hold(end_frame_);  // the last frames may lie in a gap
      return false;
    }
    std::fill(block_.begin(), block_.end(), 0.0f);
  }
  block_size_ = has_audio ? count : kBlockSize;
  features_.push(block_.data(), block_size_, has_audio);
  return true;
}

void Stream::skip_gap(int64_t lost) {
  dropped_.fetch_add(lost, std::memory_order_relaxed);
  features_.skip(lost);
  predictor_.reset();
}

void Stream::reset(int32_t sample_rate, int32_t channels) {
  const int32_t rate = sample_rate == 0 ? features_.resampler().sample_rate() : sample_rate;
  // The two calls that allocate come first: when they throw, the stream is unchanged.
  audio_.reserve(static_cast<int64_t>(buffer_seconds_ * rate));
  features_.reset(rate);
  audio_.reset(channels == 0 ? audio_.channels() : channels);
  predictor_.reset();
  post_processor_.reset();
  frames_.reset();
  fade_.reset();
  block_size_ = 0;
  frame_pending_ = false;
  end_frame_ = kUnknownEnd;
  dropped_.store(0);
  flushed_.store(false);
}

int Stream::tap(koemorph_debug_stage stage, float* out, int32_t count) {
  const auto copy = [&](const float* from, int size) {
    const int copied = std::min(count, size);
    std::copy_n(from, copied, out);
    return copied;
  };
  const int bands = features_.mel_config().bands;
  switch (stage) {
    case KOEMORPH_DEBUG_INPUT_BLOCK:
      return copy(block_.data(), block_size_);
    case KOEMORPH_DEBUG_RESAMPLED_BLOCK:
      return copy(features_.resampler().output(), features_.resampler().output_count());
    case KOEMORPH_DEBUG_MEL_FRAME:
      return copy(features_.context_pool().newest(), bands);
    case KOEMORPH_DEBUG_EGEMAPS_FUNCTIONALS:
      return features_.has_egemaps() ? copy(features_.egemaps().windows(), kFunctionalCount) : 0;
    case KOEMORPH_DEBUG_POOLED_CONTEXT: {
      std::vector<float> pooled(static_cast<size_t>(features_.context_pool().block_count()) *
                                bands);
      features_.write_pooled_context(pooled.data());
      return copy(pooled.data(), static_cast<int>(pooled.size()));
    }
    case KOEMORPH_DEBUG_NETWORK_OUTPUT:
      return copy(predictor_.raw_weights(), kBlendshapeCount);
    case KOEMORPH_DEBUG_PREVIOUS_WEIGHTS:
      return copy(predictor_.weights(), kBlendshapeCount);
    case KOEMORPH_DEBUG_CONTROLLED_WEIGHTS:
      return copy(post_processor_.controlled_weights(), kBlendshapeCount);
    case KOEMORPH_DEBUG_FINAL_WEIGHTS:
      return copy(post_processor_.final_weights(), kBlendshapeCount);
    default:
      return -1;
  }
}

bool Stream::sample(double time, float* weights, int32_t count) const {
  const bool found = frames_.sample(time, weights, count);
  if (found) fade_.apply(time, weights, std::min(count, kBlendshapeCount));
  return found;
}

bool Stream::pull(float* weights, int32_t count, int64_t* index) {
  if (!frames_.pull(weights, count, index)) return false;
  fade_.apply(static_cast<double>(*index) / clock_.fps, weights, std::min(count, kBlendshapeCount));
  return true;
}

double Stream::latency() const {
  return static_cast<double>(clock_.lookahead_frames) / clock_.fps +
         features_.resampler().latency();
}

void Stream::get_info(koemorph_stream_info* info) const {
  info->fps = clock_.fps;
  info->latency = latency();
  info->pushed_samples = audio_.pushed();
  info->dropped_samples = dropped_.load(std::memory_order_relaxed);
  info->frame_count = frames_.frame_count();
  info->skipped_frames = frames_.skipped();
}

}  // namespace koemorph
