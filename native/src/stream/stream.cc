#include "stream/stream.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <limits>

#include "util/denormals.h"

namespace koemorph {
namespace {

constexpr int64_t kNoEnd = std::numeric_limits<int64_t>::max();
constexpr int kBlock = 1024;  // device samples taken through the stages at a time
// Power of a mel band in the loudest of quiet rooms. What is louder when a stream begins may be a
// word, which after a word that had always been there would be a sound of the room.
constexpr float kAmbientFloor = 1e-7f;

float ambient_floor(const MelConfig& mel) { return (std::log10(kAmbientFloor) + mel.offset) * mel.scale; }

}  // namespace

Stream::Stream(std::shared_ptr<const Model> model, const koemorph_stream_config& config)
    : model_(std::move(model)),
      clock_(model_->settings().mel.clock),
      buffer_seconds_(config.buffer_seconds),
      audio_(static_cast<int64_t>(buffer_seconds_ * config.sample_rate), config.channels),
      input_resampler_(config.sample_rate, clock_.sample_rate, kBlock),
      gate_(clock_.sample_rate),
      mel_(model_->settings().mel),
      context_pool_(model_->settings().mel.bands, model_->settings().block_frames,
              model_->settings().blocks, ambient_floor(model_->settings().mel)),
      model_state_(model_->settings()),
      controls_(clock_.fps),
      idle_motion_(clock_.fps),
      frames_(static_cast<int>(std::ceil(config.history_seconds * clock_.fps)), kBlendshapeCount,
              clock_.fps),
      block_(kBlock),
      end_(kNoEnd) {
  if (model_->settings().use_egemaps) egemaps_.emplace(model_->settings().egemaps);
  if (config.worker != 0) start_worker();
}

Stream::~Stream() {
  stopping_.store(true);
  if (worker_.joinable()) worker_.join();
}

void Stream::start_worker() {
  inference_ = std::make_unique<Inference>(model_, 1);
  // Polling, because waking a sleeper is a system call that the audio thread must not make.
  const auto nap = std::chrono::milliseconds(std::max(1, 250 / clock_.fps));
  worker_ = std::thread([this, nap] {
    while (!stopping_.load()) {
      int64_t computed = 0;
      bool failed = false;
      try {
        if (const ScopedEntry visit{worker_guard_}) failed = !process(&computed).ok();
      } catch (...) {  // memory was lacking
        failed = true;
      }
      // A failed inference leaves the face as it was; the next frame may succeed.
      if (failed || computed == 0) std::this_thread::sleep_for(nap);
    }
  });
}

koemorph_result Stream::push(const float* interleaved, int32_t frames) {
  if (flushed()) return KOEMORPH_INVALID_STATE;
  audio_.push(interleaved, frames);
  return KOEMORPH_OK;
}

void Stream::set_input_format(int32_t sample_rate, int32_t channels) {
  input_resampler_.change(audio_.pushed(), sample_rate);
  if (channels != 0) audio_.set_channels(channels);
}

Status Stream::process(int64_t* computed) {
  const FlushDenormals flush_denormals;
  *computed = 0;
  if (inference_ == nullptr) inference_ = std::make_unique<Inference>(model_, 1);
  Status worst;
  begin();
  while (advance()) {
    inference_->set_changed(feels_anew());
    fill(inference_.get(), 0);
    Status status = inference_->run(1);
    if (accept(inference_.get(), 0, status.ok())) ++*computed;
    if (!status.ok()) worst = std::move(status);
  }
  return worst;
}

void Stream::begin() {
  const koemorph_controls* settings = settings_.take();
  if (settings == nullptr) return;
  gate_.set(*settings);
  controls_.set(*settings);
  idle_motion_.set(*settings);
}

bool Stream::advance() {
  if (asking_) return true;
  do {
    while (heard_ < input_resampler_.output_count() && mel_.index() < end_) {
      const float* next = input_resampler_.output() + heard_;
      const int taken = mel_.push(next, input_resampler_.output_count() - heard_);
      if (egemaps_) hear(next, taken);
      heard_ += taken;
      if (!mel_.ready()) continue;
      context_pool_.push(mel_.frame());
      return asking_ = true;
    }
  } while (refill());
  return false;
}

// The next block on its way to the features; once the voice has ended, silence for the frames that
// still wait for their lookahead.
bool Stream::refill() {
  // Read before the audio: what was pushed before the flush is then in the ring for certain.
  const bool ending = flushed();
  int64_t lost = 0;
  int count = audio_.read(block_.data(), input_resampler_.next_count(audio_.pushed()), &lost);
  if (lost > 0) {
    jump(lost);
    // What was lost may have reached up to another device.
    const int of_this_device = input_resampler_.next_count(input_resampler_.position() + count);
    audio_.unread(count - of_this_device);
    count = of_this_device;
  }
  if (count == 0) {
    if (!ending) return false;
    end_ = input_resampler_.frames(clock_);
    if (mel_.index() >= end_) {
      frames_.hold(end_);  // lost audio may have taken the last ones along
      return false;
    }
    std::fill(block_.begin(), block_.end(), 0.0f);
  }
  block_size_ = count == 0 ? kBlock : count;
  input_resampler_.push(block_.data(), block_size_, count > 0);
  gate_.process(input_resampler_.output(), input_resampler_.output_count());
  heard_ = 0;
  return true;
}

// The same samples for the expression; its updates fall where they may.
void Stream::hear(const float* samples, int count) {
  while (count > 0) {
    const int taken = egemaps_->push(samples, count);
    samples += taken;
    count -= taken;
  }
}

bool Stream::feels_anew() const { return egemaps_ && egemaps_->updates() != model_state_.felt_update(); }

void Stream::fill(Inference* inference, int i) {
  const MelConfig& mel = mel_.config();
  std::copy_n(context_pool_.newest(), mel.bands, inference->mel(i));
  context_pool_.means(inference->blocks(i));
  std::copy_n(mel_.detail(), mel.detail_frames * mel.bands, inference->detail(i));
  if (!model_state_.settled()) {
    const auto quiet = [loudest = ambient_floor(mel)](float band) { return std::min(band, loudest); };
    std::transform(inference->mel(i), inference->mel(i) + mel.bands, inference->mel(i), quiet);
    float* detail = inference->detail(i);
    std::transform(detail, detail + mel.detail_frames * mel.bands, detail, quiet);
  }
  std::copy_n(smooth_.previous(), kBlendshapeCount, inference->previous(i));
  model_state_.past(inference->past(i));
  if (!egemaps_) return;
  egemaps_->told(inference->egemaps(i));
  std::copy(model_state_.felt().begin(), model_state_.felt().end(), inference->felt(i));
}

bool Stream::accept(Inference* inference, int i, bool answered) {
  if (answered) {
    const bool last =
        model_state_.push(inference->present(i), egemaps_ ? inference->feeling(i) : nullptr,
                     egemaps_ ? egemaps_->updates() : model_state_.felt_update());
    if (!last) return false;
    std::copy_n(inference->blendshapes(i), kBlendshapeCount, raw_);
    smooth_.push(raw_);
  }
  asking_ = false;
  const int64_t index = mel_.index();
  mel_.next();
  // On a copy: the network must see its own output again, not what became of it.
  controls_.apply(smooth_.frame(), controlled_);
  std::copy_n(controlled_, kBlendshapeCount, face_);
  idle_motion_.apply(index, face_);
  frames_.push(index, face_);
  return true;
}

// After a gap nothing has been heard, as at the start, but time has gone on.
void Stream::jump(int64_t lost) {
  input_resampler_.skip(lost);
  dropped_.fetch_add(lost, std::memory_order_relaxed);
  context_pool_.reset();
  model_state_.reset();
  smooth_.reset();
  if (egemaps_) egemaps_->reset();
  mel_.reset(input_resampler_.model_position());
}

void Stream::reset(int32_t sample_rate, int32_t channels) {
  const int32_t rate = sample_rate == 0 ? input_resampler_.rate() : sample_rate;
  // What takes memory comes first: where it is lacking, the stream goes on as it was.
  audio_.make_room(static_cast<int64_t>(buffer_seconds_ * rate));
  input_resampler_.reset(rate);
  audio_.reset(channels == 0 ? audio_.channels() : channels);
  mel_.reset();
  if (egemaps_) egemaps_->reset();
  context_pool_.reset();
  model_state_.reset();
  smooth_.reset();
  gate_.reset();
  std::fill_n(raw_, kBlendshapeCount, 0.0f);
  controls_.reset();
  idle_motion_.reset();
  fade_.reset();
  frames_.reset();
  block_size_ = heard_ = 0;
  asking_ = false;
  end_ = kNoEnd;
  dropped_.store(0);
  flushed_.store(false);
}

int Stream::tap(koemorph_debug_stage stage, float* out, int32_t n) {
  const auto copy = [&](const float* from, int size) {
    const int count = std::min(n, size);
    std::copy_n(from, count, out);
    return count;
  };
  const int bands = mel_.config().bands;
  switch (stage) {
    case KOEMORPH_DEBUG_INPUT_BLOCK:
      return copy(block_.data(), block_size_);
    case KOEMORPH_DEBUG_RESAMPLED_BLOCK:
      return copy(input_resampler_.output(), input_resampler_.output_count());
    case KOEMORPH_DEBUG_MEL_FRAME:
      return copy(context_pool_.newest(), bands);
    case KOEMORPH_DEBUG_EGEMAPS_FUNCTIONALS:
      return egemaps_ ? copy(egemaps_->windows(), kFunctionalCount) : 0;
    case KOEMORPH_DEBUG_POOLED_CONTEXT: {
      std::vector<float> means(static_cast<size_t>(context_pool_.count()) * bands);
      context_pool_.means(means.data());
      return copy(means.data(), static_cast<int>(means.size()));
    }
    case KOEMORPH_DEBUG_NETWORK_OUTPUT:
      return copy(raw_, kBlendshapeCount);
    case KOEMORPH_DEBUG_PREVIOUS_WEIGHTS:
      return copy(smooth_.frame(), kBlendshapeCount);
    case KOEMORPH_DEBUG_CONTROLLED_WEIGHTS:
      return copy(controlled_, kBlendshapeCount);
    case KOEMORPH_DEBUG_FINAL_WEIGHTS:
      return copy(face_, kBlendshapeCount);
    default:
      return -1;
  }
}

bool Stream::sample(double time, float* weights, int32_t n) const {
  const bool found = frames_.sample(time, weights, n);
  if (found) fade_.apply(time, weights, std::min(n, kBlendshapeCount));
  return found;
}

bool Stream::pull(float* weights, int32_t n, int64_t* index) {
  if (!frames_.pull(weights, n, index)) return false;
  fade_.apply(static_cast<double>(*index) / clock_.fps, weights, std::min(n, kBlendshapeCount));
  return true;
}

void Stream::get_info(koemorph_stream_info* info) const {
  info->fps = clock_.fps;
  info->latency = static_cast<double>(clock_.lookahead_frames) / clock_.fps + input_resampler_.latency();
  info->pushed_samples = audio_.pushed();
  info->dropped_samples = dropped_.load(std::memory_order_relaxed);
  info->frame_count = frames_.count();
  info->skipped_frames = frames_.skipped();
}

}  // namespace koemorph
