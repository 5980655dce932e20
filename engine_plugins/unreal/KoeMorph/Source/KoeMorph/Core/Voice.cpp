#include "Voice.h"

#include <algorithm>
#include <thread>
#include <utility>

namespace koemorph_plugin {
namespace {

constexpr double kStopped = 0.15;  // s without a block after which a source counts as stopped
// s of silence made up at once, after a suspended app, say; a stream holds half a second of sound.
constexpr double kLongestGap = 0.4;
constexpr int kSilenceBlock = 1024;  // sample frames
// s in which the face falls to rest when its voice stops, and comes back with the next.
constexpr double kFall = 0.2;
constexpr double kRise = 0.05;
// s after a stop from which the face lives on (blinks), and over how many: by then it follows the
// silence that has been fed since.
constexpr double kLivesAfter = 1.0;
constexpr double kLivesOver = 0.5;

// Of a format that is wanted.
int RateOf(int64_t format) { return static_cast<int>(format >> 8); }
int ChannelsOf(int64_t format) { return static_cast<int>(format & 255); }

}  // namespace

// The right to feed. The audio thread asks once; the game thread waits the few microseconds of a
// push.
class Voice::Feeder {
 public:
  Feeder(std::atomic<bool>* feeding, bool wait) : feeding_(feeding) {
    while (feeding_->exchange(true, std::memory_order_acquire)) {
      if (!wait) {
        feeding_ = nullptr;
        return;
      }
      std::this_thread::yield();
    }
  }
  ~Feeder() {
    if (feeding_ != nullptr) feeding_->store(false, std::memory_order_release);
  }
  Feeder(const Feeder&) = delete;
  Feeder& operator=(const Feeder&) = delete;
  explicit operator bool() const { return feeding_ != nullptr; }

 private:
  std::atomic<bool>* feeding_;
};

Voice::Voice(std::shared_ptr<const Model> model) : model_(std::move(model)) {
  model_->api().controls_init(&controls_);
}

bool Voice::SetControls(const koemorph_controls& controls, std::string* problem) {
  const Api& api = model_->api();
  // Before the first sound a stream of no use takes them, so that a wrong one is told at once.
  Stream other{nullptr, StreamDeleter{nullptr}};
  if (!stream_) other = CreateStream(*model_, 16000, 1, false, problem);
  koemorph_stream* const stream = stream_ ? stream_.get() : other.get();
  if (stream == nullptr) return false;
  if (api.stream_set_controls(stream, &controls) != KOEMORPH_OK) {
    *problem = api.error_message();
    return false;
  }
  controls_ = controls;
  return true;
}

bool Voice::Feed(const float* interleaved, int frames, int sample_rate, int channels, double wall) {
  // Says nothing, not even that its source goes on: one that has no sound to give may push all the
  // same.
  if (frames == 0) return true;
  const Feeder turn(&feeding_, false);
  if (!turn) return false;
  if (!stream_ || sample_rate != sample_rate_ || channels != channels_) {
    missed_ += static_cast<double>(frames) / sample_rate;
    wanted_.store(static_cast<int64_t>(sample_rate) << 8 | channels, std::memory_order_release);
    return false;
  }
  return Push(interleaved, frames, wall);
}

bool Voice::Push(const float* interleaved, int frames, double wall) {
  if (model_->api().stream_push(stream_.get(), interleaved, frames) != KOEMORPH_OK) return false;
  block_.store(frames, std::memory_order_relaxed);
  fed_.store(fed_.load(std::memory_order_relaxed) + frames, std::memory_order_release);
  clock_.Anchor(Reached(), wall);
  return true;
}

// Stream time of the last sample fed, s.
double Voice::Reached() const {
  const int64_t of_device = fed_.load(std::memory_order_relaxed) - device_fed_;
  return device_time_ + static_cast<double>(of_device) / sample_rate_;
}

bool Voice::Update(double wall, std::string* problem) {
  const int64_t wanted = wanted_.load(std::memory_order_acquire);
  if (wanted != 0 && !(stream_ ? ChangeDevice(wall, problem)
                               : Open(RateOf(wanted), ChannelsOf(wanted), wall, problem))) {
    return false;
  }
  if (!stream_) return true;  // nothing has been heard yet
  const int64_t fed = fed_.load(std::memory_order_acquire);
  if (fed != fed_after_silence_) silent_ = false;
  // Where the game stood, so did a voice that it pushes itself: one that came since the last look
  // goes on.
  const bool goes_on = fed != fed_at_look_;
  fed_at_look_ = fed;
  if (silent_ || (!goes_on && clock_.Idle(wall) >= kStopped)) FeedSilence(fed, wall);
  speaking_ = !silent_;
  return true;
}

bool Voice::Hold(bool paused, double wall) {
  const int64_t fed = fed_.load(std::memory_order_acquire);
  if (!paused_) {
    paused_at_ = wall;
    held_ = plays_on_ = false;
  } else if (fed != paused_fed_) {
    held_ = false;
    // What was still on its way comes at once; what comes later is of a source that plays on.
    if (wall - clock_.Idle(wall) > paused_at_ + kStopped) plays_on_ = true;
  }
  paused_ = paused;
  paused_fed_ = fed;
  // A format that is wanted is for Update to take up.
  if (!paused || plays_on_ || wanted_.load(std::memory_order_acquire) != 0) return false;
  if (!held_) held_ = (silent_ && fed == fed_after_silence_) || clock_.Idle(wall) >= kStopped;
  if (!held_ || !stream_) return held_;
  clock_.Hold(wall);
  const Feeder turn(&feeding_, false);
  if (turn) clock_.Anchor(Reached(), wall);
  return true;
}

bool Voice::Open(int sample_rate, int channels, double wall, std::string* problem) {
  Stream stream = CreateStream(*model_, sample_rate, channels, true, problem);
  if (!stream) return false;
  if (model_->api().stream_set_controls(stream.get(), &controls_) != KOEMORPH_OK) {
    *problem = model_->api().error_message();
    return false;
  }
  {
    const Feeder turn(&feeding_, true);
    stream_ = std::move(stream);
    SetFormat(sample_rate, channels);
    clock_.Anchor(0, wall);
  }
  if (faded_out_) Turn(true, 0, 0);
  return true;
}

// The game thread is the feeder meanwhile, and the one that may allocate.
bool Voice::ChangeDevice(double wall, std::string* problem) {
  const Feeder turn(&feeding_, true);
  const int64_t wanted = wanted_.load(std::memory_order_relaxed);
  const Api& api = model_->api();
  if (api.stream_set_input_format(stream_.get(), RateOf(wanted), ChannelsOf(wanted)) != KOEMORPH_OK) {
    *problem = api.error_message();
    return false;
  }
  const double missed = missed_;
  SetFormat(RateOf(wanted), ChannelsOf(wanted));
  PushSilence(missed, wall);
  return true;
}

// From the next sample on; what has come by now in a format that did not fit is over.
void Voice::SetFormat(int sample_rate, int channels) {
  device_time_ = sample_rate_ == 0 ? 0.0 : Reached();
  device_fed_ = fed_.load(std::memory_order_relaxed);
  sample_rate_ = sample_rate;
  channels_ = channels;
  silence_.assign(static_cast<size_t>(kSilenceBlock) * channels, 0.0f);
  wanted_.store(0, std::memory_order_relaxed);
  missed_ = 0;
}

// Unless a block has come since `fed` was read: taken for silence, it would have more of it behind.
void Voice::FeedSilence(int64_t fed, double wall) {
  const Feeder turn(&feeding_, true);
  silent_ = fed_.load(std::memory_order_acquire) == fed;
  if (!silent_) return;
  PushSilence(clock_.Idle(wall), wall);
  fed_after_silence_ = fed_.load(std::memory_order_acquire);
}

void Voice::PushSilence(double seconds, double wall) {
  auto due = static_cast<int64_t>(std::min(seconds, kLongestGap) * sample_rate_ + 0.5);
  for (; due > 0; due -= kSilenceBlock) {
    Push(silence_.data(), static_cast<int>(std::min<int64_t>(due, kSilenceBlock)), wall);
  }
}

double Voice::Show(double wall, double delay, Weights* weights) {
  weights->fill(0.0f);
  if (!stream_) return 0;
  const double time = clock_.Time(wall, delay);
  shown_ = time;
  FollowVoice(time);
  model_->api().stream_sample(stream_.get(), time, weights->data(), KOEMORPH_BLENDSHAPE_COUNT);
  return time;
}

void Voice::FollowVoice(double time) {
  if (speaking_ != shown_speaking_) {
    shown_speaking_ = speaking_;
    lives_ = speaking_ ? std::numeric_limits<double>::infinity() : time + kLivesAfter;
    if (!faded_out_) Turn(!speaking_, time, speaking_ ? kRise : kFall);
  } else if (time >= lives_) {
    lives_ = std::numeric_limits<double>::infinity();
    if (!faded_out_) Turn(false, time, kLivesOver);
  }
}

void Voice::FadeOut(double seconds) {
  faded_out_ = true;
  Turn(true, shown_, seconds);
}

void Voice::FadeIn(double seconds) {
  faded_out_ = false;
  Turn(false, shown_, seconds);
}

void Voice::Turn(bool relax, double time, double seconds) {
  if (!stream_) return;
  const Api& api = model_->api();
  (relax ? api.stream_fade_out : api.stream_fade_in)(stream_.get(), time, seconds);
}

double Voice::Lag() const {
  const koemorph_stream_info info = Info();
  if (info.fps == 0) return 0.0;
  return info.latency + 1.0 / info.fps +
         static_cast<double>(block_.load(std::memory_order_relaxed)) / sample_rate_;
}

koemorph_stream_info Voice::Info() const {
  koemorph_stream_info info = {};
  info.size = sizeof(info);
  if (stream_) model_->api().stream_get_info(stream_.get(), &info);
  return info;
}

bool ReadPreset(const Api& api, const std::string& json, koemorph_controls* controls,
                std::string* problem) {
  if (api.controls_from_preset(json.data(), json.size(), controls) == KOEMORPH_OK) return true;
  *problem = api.error_message();
  return false;
}

std::string CurveName(const Api& api, int index) {
  std::string name = api.blendshape_name(index);
  if (!name.empty() && name[0] >= 'a' && name[0] <= 'z')
    name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return name;
}

}  // namespace koemorph_plugin
