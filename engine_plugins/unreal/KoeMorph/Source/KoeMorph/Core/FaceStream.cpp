// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "FaceStream.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace koemorph_plugin {
namespace {

constexpr double kStopTimeout = 0.15;  // s without a block after which a source counts as stopped
// Maximum s of silence pushed at once, for example after the app was suspended; a stream buffers
// half a second.
constexpr double kMaxGap = 0.4;
constexpr int kSilenceBlock = 1024;  // samples
// s of the fade when speech stops and when it starts.
constexpr double kStopFade = 0.2;
constexpr double kStartFade = 0.05;
// s after a stop at which idle motion fades in, and the length of that fade: by then the weights
// follow the pushed silence.
constexpr double kIdleDelay = 1.0;
constexpr double kIdleFade = 0.5;

int SampleRateOf(int64_t format) { return static_cast<int>(format >> 8); }
int ChannelsOf(int64_t format) { return static_cast<int>(format & 255); }

}  // namespace

// The right to push. The audio thread tries once; the game thread waits a few microseconds for a
// push in progress.
class FaceStream::PushGuard {
 public:
  PushGuard(std::atomic<bool>* pushing, bool wait) : pushing_(pushing) {
    while (pushing_->exchange(true, std::memory_order_acquire)) {
      if (!wait) {
        pushing_ = nullptr;
        return;
      }
      std::this_thread::yield();
    }
  }
  ~PushGuard() {
    if (pushing_ != nullptr) pushing_->store(false, std::memory_order_release);
  }
  PushGuard(const PushGuard&) = delete;
  PushGuard& operator=(const PushGuard&) = delete;
  explicit operator bool() const { return pushing_ != nullptr; }

 private:
  std::atomic<bool>* pushing_;
};

FaceStream::FaceStream(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  model_->api().controls_init(&controls_);
}

bool FaceStream::SetControls(const koemorph_controls& controls, std::string* error) {
  const Api& api = model_->api();
  // Before the first block a temporary stream validates them, so that errors are reported at once.
  StreamHandle temporary{nullptr, StreamHandleDeleter{nullptr}};
  if (!stream_) temporary = CreateStream(*model_, 16000, 1, false, error);
  koemorph_stream* const stream = stream_ ? stream_.get() : temporary.get();
  if (stream == nullptr) return false;
  if (api.stream_set_controls(stream, &controls) != KOEMORPH_OK) {
    *error = api.error_message();
    return false;
  }
  controls_ = controls;
  return true;
}

bool FaceStream::Push(const float* interleaved, int sample_count, int sample_rate, int channels,
                      double wall) {
  // An empty block does not count as activity: sources without audio may push empty blocks.
  if (sample_count == 0) return true;
  const PushGuard guard(&pushing_, false);
  if (!guard) return false;
  if (!stream_ || sample_rate != sample_rate_ || channels != channels_) {
    rejected_seconds_ += static_cast<double>(sample_count) / sample_rate;
    requested_format_.store(static_cast<int64_t>(sample_rate) << 8 | channels,
                            std::memory_order_release);
    return false;
  }
  return PushGuarded(interleaved, sample_count, wall);
}

bool FaceStream::PushGuarded(const float* interleaved, int sample_count, double wall) {
  if (model_->api().stream_push(stream_.get(), interleaved, sample_count) != KOEMORPH_OK) {
    return false;
  }
  last_block_.store(sample_count, std::memory_order_relaxed);
  pushed_.store(pushed_.load(std::memory_order_relaxed) + sample_count, std::memory_order_release);
  clock_.Anchor(PushedSeconds(), wall);
  return true;
}

// Stream time of the last pushed sample, s.
double FaceStream::PushedSeconds() const {
  const int64_t pushed = pushed_.load(std::memory_order_relaxed) - pushed_before_format_;
  return format_start_ + static_cast<double>(pushed) / sample_rate_;
}

bool FaceStream::Update(double wall, std::string* error) {
  const int64_t format = requested_format_.load(std::memory_order_acquire);
  if (format != 0 && !(stream_ ? ApplyFormat(wall, error)
                               : Open(SampleRateOf(format), ChannelsOf(format), wall, error))) {
    return false;
  }
  if (!stream_) return true;  // no block yet
  const int64_t pushed = pushed_.load(std::memory_order_acquire);
  if (pushed != pushed_after_silence_) silent_ = false;
  // If the game thread stalled, a source that it pushes itself stalled too: a block since the last
  // update counts as activity.
  const bool active = pushed != pushed_at_update_;
  pushed_at_update_ = pushed;
  if (silent_ || (!active && clock_.Idle(wall) >= kStopTimeout)) PushSilenceAfterStop(pushed, wall);
  speaking_ = !silent_;
  return true;
}

bool FaceStream::UpdatePause(bool paused, double wall) {
  const int64_t pushed = pushed_.load(std::memory_order_acquire);
  if (!paused_) {
    pause_start_ = wall;
    audio_paused_ = plays_during_pause_ = false;
  } else if (pushed != pushed_at_pause_) {
    audio_paused_ = false;
    // Blocks in flight arrive right after the pause; later ones are of audio that continues.
    if (wall - clock_.Idle(wall) > pause_start_ + kStopTimeout) plays_during_pause_ = true;
  }
  paused_ = paused;
  pushed_at_pause_ = pushed;
  // A requested format is applied by Update.
  if (!paused || plays_during_pause_ || requested_format_.load(std::memory_order_acquire) != 0) {
    return false;
  }
  if (!audio_paused_) {
    audio_paused_ =
        (silent_ && pushed == pushed_after_silence_) || clock_.Idle(wall) >= kStopTimeout;
  }
  if (!audio_paused_ || !stream_) return audio_paused_;
  clock_.Pause(wall);
  const PushGuard guard(&pushing_, false);
  if (guard) clock_.Anchor(PushedSeconds(), wall);
  return true;
}

bool FaceStream::Open(int sample_rate, int channels, double wall, std::string* error) {
  StreamHandle stream = CreateStream(*model_, sample_rate, channels, true, error);
  if (!stream) return false;
  if (model_->api().stream_set_controls(stream.get(), &controls_) != KOEMORPH_OK) {
    *error = model_->api().error_message();
    return false;
  }
  {
    const PushGuard guard(&pushing_, true);
    stream_ = std::move(stream);
    SetFormat(sample_rate, channels);
    clock_.Anchor(0, wall);
  }
  if (faded_out_) Fade(true, 0, 0);
  return true;
}

// With the guard held the game thread is the pushing thread, and it may allocate.
bool FaceStream::ApplyFormat(double wall, std::string* error) {
  const PushGuard guard(&pushing_, true);
  const int64_t format = requested_format_.load(std::memory_order_relaxed);
  const Api& api = model_->api();
  if (api.stream_set_input_format(stream_.get(), SampleRateOf(format), ChannelsOf(format)) !=
      KOEMORPH_OK) {
    *error = api.error_message();
    return false;
  }
  const double rejected = rejected_seconds_;
  SetFormat(SampleRateOf(format), ChannelsOf(format));
  PushSilence(rejected, wall);
  return true;
}

void FaceStream::SetFormat(int sample_rate, int channels) {
  format_start_ = sample_rate_ == 0 ? 0.0 : PushedSeconds();
  pushed_before_format_ = pushed_.load(std::memory_order_relaxed);
  sample_rate_ = sample_rate;
  channels_ = channels;
  silence_.assign(static_cast<size_t>(kSilenceBlock) * channels, 0.0f);
  requested_format_.store(0, std::memory_order_relaxed);
  rejected_seconds_ = 0;
}

// Does nothing if a block arrived since `pushed` was read: it is speech, and no silence may follow.
void FaceStream::PushSilenceAfterStop(int64_t pushed, double wall) {
  const PushGuard guard(&pushing_, true);
  silent_ = pushed_.load(std::memory_order_acquire) == pushed;
  if (!silent_) return;
  PushSilence(clock_.Idle(wall), wall);
  pushed_after_silence_ = pushed_.load(std::memory_order_acquire);
}

void FaceStream::PushSilence(double seconds, double wall) {
  auto left = static_cast<int64_t>(std::min(seconds, kMaxGap) * sample_rate_ + 0.5);
  for (; left > 0; left -= kSilenceBlock) {
    PushGuarded(silence_.data(), static_cast<int>(std::min<int64_t>(left, kSilenceBlock)), wall);
  }
}

double FaceStream::Sample(double wall, double latency, Weights* weights) {
  weights->fill(0.0f);
  if (!stream_) return 0;
  playback_time_ = clock_.Time(wall, latency);
  UpdateFade(playback_time_);
  model_->api().stream_sample(stream_.get(), playback_time_, weights->data(),
                              KOEMORPH_BLENDSHAPE_COUNT);
  return playback_time_;
}

void FaceStream::UpdateFade(double time) {
  if (speaking_ != faded_speaking_) {
    faded_speaking_ = speaking_;
    idle_time_ = speaking_ ? std::numeric_limits<double>::infinity() : time + kIdleDelay;
    if (!faded_out_) Fade(!speaking_, time, speaking_ ? kStartFade : kStopFade);
  } else if (time >= idle_time_) {
    idle_time_ = std::numeric_limits<double>::infinity();
    if (!faded_out_) Fade(false, time, kIdleFade);
  }
}

void FaceStream::FadeOut(double seconds) {
  faded_out_ = true;
  Fade(true, playback_time_, seconds);
}

void FaceStream::FadeIn(double seconds) {
  faded_out_ = false;
  Fade(false, playback_time_, seconds);
}

void FaceStream::Fade(bool out, double time, double seconds) {
  if (!stream_) return;
  const Api& api = model_->api();
  (out ? api.stream_fade_out : api.stream_fade_in)(stream_.get(), time, seconds);
}

double FaceStream::DisplayLatency() const {
  const koemorph_stream_info info = Info();
  if (info.fps == 0) return 0.0;
  return info.latency + 1.0 / info.fps +
         static_cast<double>(last_block_.load(std::memory_order_relaxed)) / sample_rate_;
}

koemorph_stream_info FaceStream::Info() const {
  koemorph_stream_info info = {};
  info.size = sizeof(info);
  if (stream_) model_->api().stream_get_info(stream_.get(), &info);
  return info;
}

bool ReadPreset(const Api& api, const std::string& json, koemorph_controls* controls,
                std::string* error) {
  if (api.controls_from_preset(json.data(), json.size(), controls) == KOEMORPH_OK) return true;
  *error = api.error_message();
  return false;
}

std::string CurveName(const Api& api, int index) {
  std::string name = api.blendshape_name(index);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z')
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

}  // namespace koemorph_plugin
