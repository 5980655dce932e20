#include "player/player.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <thread>

namespace koemorph {
namespace {

constexpr double kStopTimeout = 0.15;  // s without a block after which the source has stopped
// Most silence pushed at once, for example after the app was suspended, s. A stream buffers more.
constexpr double kMaxSilence = 0.4;
constexpr double kStopFade = 0.2;  // s of the fade-out after a stop
// s after a stop at which idle motion fades in, and the length of that fade. By then the weights
// follow the pushed silence and not the speech that was cut off.
constexpr double kIdleDelay = 1.0;
constexpr double kIdleFade = 0.5;
constexpr double kMaxInterval = 0.1;     // s; longer intervals between blocks are stalls
constexpr double kIntervalDecay = 0.01;  // s per s by which the measured interval shrinks
constexpr double kMinPause = 0.04;       // s without a block that count as paused audio
constexpr int kClipBlock = 512;          // samples of a clip read at once
constexpr double kReadAhead = 0.1;       // s of a clip for the worker's computing time

constexpr std::array<float, 4096> kSilentBlock{};

}  // namespace

Player::Player(Stream& stream, AudioFormat format)
    : stream_(stream), capacity_(stream.buffer_capacity()), format_(format) {}

koemorph_result Player::feed(const float* interleaved, int32_t sample_count, AudioFormat format,
                             double now) {
  // An empty block is no activity: sources without audio may feed empty blocks.
  if (sample_count == 0) return KOEMORPH_OK;
  const ScopedEntry entry(feed_guard_);
  if (!entry) return KOEMORPH_INVALID_STATE;
  const ScopedEntry push(stream_.audio_guard());
  const bool matches =
      push && format.sample_rate == format_.sample_rate && format.channels == format_.channels;
  if (!matches) {
    replaced_.fetch_add(sample_count, std::memory_order_relaxed);
    if (push) {
      requested_.store(int64_t{format.sample_rate} << 32 | format.channels,
                       std::memory_order_release);
    }
    return KOEMORPH_BLOCK_REPLACED;
  }
  requested_.store(0, std::memory_order_relaxed);  // the source returned to the stream's format
  push_silence(replaced_.exchange(0, std::memory_order_relaxed));
  const koemorph_result result = stream_.push(interleaved, sample_count);
  measure_block(static_cast<double>(sample_count) / format.sample_rate, now);
  anchors_.write({end_seconds(), now});
  fed_.fetch_add(1, std::memory_order_release);
  return result;
}

// The audio guard is entered.
void Player::push_silence(int64_t sample_count) {
  const auto most =
      std::min<int64_t>(std::llround(kMaxSilence * format_.sample_rate), capacity_ * 4 / 5);
  const int64_t block = static_cast<int64_t>(kSilentBlock.size()) / format_.channels;
  for (int64_t left = std::min(sample_count, most); left > 0; left -= block) {
    stream_.push(kSilentBlock.data(), static_cast<int32_t>(std::min(left, block)));
  }
}

void Player::measure_block(double seconds, double now) {
  const double interval = now - last_feed_;
  last_feed_ = now;
  const double longest = interval <= kMaxInterval ? std::max(seconds, interval) : seconds;
  const double before = block_seconds_.load(std::memory_order_relaxed) - kIntervalDecay * seconds;
  block_seconds_.store(std::max(longest, before), std::memory_order_relaxed);
}

// Stream time of the last pushed sample. The audio guard is entered, or this is the game thread and
// an outdated value is acceptable.
double Player::end_seconds() const {
  if (format_.sample_rate == 0) return 0.0;
  const auto pushed = static_cast<double>(stream_.pushed_samples() - pushed_before_format_);
  return format_start_ + pushed / format_.sample_rate;
}

AudioFormat Player::requested_format() const {
  const int64_t requested = requested_.load(std::memory_order_acquire);
  return {static_cast<int32_t>(requested >> 32), static_cast<int32_t>(requested & 0xffffffff)};
}

void Player::set_format(AudioFormat format, double now) {
  while (!stream_.audio_guard().enter()) std::this_thread::yield();
  const bool first = format_.sample_rate == 0;
  try {
    stream_.set_input_format(format.sample_rate, format.channels);
  } catch (...) {
    stream_.audio_guard().leave();
    throw;
  }
  format_start_ = end_seconds();
  pushed_before_format_ = stream_.pushed_samples();
  format_ = format;
  requested_.store(0, std::memory_order_relaxed);
  block_seconds_.store(0.0, std::memory_order_relaxed);
  const int64_t replaced = replaced_.exchange(0, std::memory_order_relaxed);
  read_anchor();
  if (first) {  // the block only announced its format
    anchor_ = {0.0, now};
  } else if (replaced > 0) {
    push_silence(replaced);
    anchor_ = {end_seconds(), now};
    fed_.fetch_add(1, std::memory_order_release);
  }
  stream_.audio_guard().leave();
}

void Player::read_anchor() {
  if (const TimeAnchor* newest = anchors_.read()) anchor_ = *newest;
}

void Player::update(double now, koemorph_pause pause) {
  if (!updated_) anchor_.now = now;
  read_anchor();
  const int64_t fed = fed_.load(std::memory_order_acquire);
  // If the game thread stalled, a source that it feeds itself stalled too: a block since the last
  // update counts as activity.
  const bool active = fed != fed_at_update_;
  fed_at_update_ = fed;
  if (active) silent_ = false;
  held_ = is_held(now, pause, active);
  if (held_) {
    hold(now);
    return;
  }
  if (format_.sample_rate == 0) return;  // no block yet
  const bool stopped = stop_requested_ || (!active && now - anchor_.now >= kStopTimeout);
  stop_requested_ = false;
  if (silent_ || stopped) push_silence_after_stop(fed, now);
  blend_.advance(pass_time(now));
  advance(now, anchor_);
  set_speaking(!silent_ && fed > 0);
}

// Does nothing if a block arrived since `fed` was read: it is speech, and no silence may follow.
void Player::push_silence_after_stop(int64_t fed, double now) {
  const ScopedEntry push(stream_.audio_guard());
  if (!push) return;
  silent_ = fed_.load(std::memory_order_acquire) == fed;
  if (!silent_) return;
  read_anchor();
  push_silence(std::llround((now - anchor_.now) * format_.sample_rate));
  anchor_ = {end_seconds(), now};
}

bool Player::is_held(double now, koemorph_pause pause, bool active) {
  if (pause == KOEMORPH_PAUSE_NONE || !was_paused_) {
    pause_start_ = now;
    audio_paused_ = plays_during_pause_ = false;
  } else if (active) {
    audio_paused_ = false;
    // Blocks in flight arrive right after the pause; later ones are of audio that continues.
    plays_during_pause_ |= anchor_.now > pause_start_ + kStopTimeout;
  }
  was_paused_ = pause != KOEMORPH_PAUSE_NONE;
  if (pause != KOEMORPH_PAUSE_GAME) return pause == KOEMORPH_PAUSE_ALL;
  const double longest = std::max(kMinPause, 2 * block_seconds_.load(std::memory_order_relaxed));
  audio_paused_ |= silent_ || now - anchor_.now >= std::min(longest, kStopTimeout);
  return audio_paused_ && !plays_during_pause_;
}

// Returns the seconds since the last call.
double Player::pass_time(double now) {
  const double elapsed = updated_ ? std::max(0.0, now - last_update_) : 0.0;
  last_update_ = now;
  updated_ = true;
  return elapsed;
}

void Player::hold(double now) {
  anchor_.now += pass_time(now);  // the audio that was fed before stands still, too
  clock_.hold(now);
  clip_.hold(now);
}

void Player::advance(double clock_now, const TimeAnchor& anchor) {
  if (clock_.advance(clock_now, extrapolate(anchor, clock_now) - latency())) blend_.start();
}

void Player::follow_clip(const koemorph_clip_state& clip, double now, koemorph_pause pause) {
  held_ = pause != KOEMORPH_PAUSE_NONE;
  if (held_) {
    hold(now);
    return;
  }
  const bool jumped = clip_.update(clip, now, end_seconds(), format_.sample_rate);
  if (jumped) clock_.restart();
  if (clip_.waiting()) clock_.hold(clip_.clip_now());
  blend_.advance(pass_time(now));
  advance(clip_.clip_now(), clip_.anchor());
  ahead_ = std::max(clip_.anchor().stream, clock_.time()) + display_latency() + kReadAhead;
  set_speaking(clip_.audible());
}

int32_t Player::next_read(int64_t* position) {
  while (end_seconds() < ahead_) {
    const int32_t count = clip_.read(kClipBlock, position);
    if (count > 0) return count;
    const ScopedEntry push(stream_.audio_guard());
    if (!push) return 0;
    push_silence(kClipBlock);
  }
  return 0;
}

bool Player::sample(float* weights, int32_t count) {
  std::array<float, kBlendshapeCount> displayed{};
  const bool found = updated_ && stream_.sample(clock_.time(), displayed.data(), kBlendshapeCount);
  if (found) blend_.apply(displayed.data());
  std::copy_n(displayed.begin(), std::min(count, kBlendshapeCount), weights);
  return found;
}

void Player::set_latency(double output_latency, double delay) {
  output_latency_ = output_latency;
  delay_ = delay;
}

// Seconds between feeding audio and displaying it without steps: the stream's latency, one frame
// for interpolation, and one block that has not arrived yet.
double Player::display_latency() const {
  return stream_.latency() + 1.0 / stream_.fps() + block_seconds_.load(std::memory_order_relaxed);
}

double Player::latency() const {
  return (output_latency_ < 0.0 ? display_latency() : output_latency_) + delay_;
}

// Fades out when the source stops, whatever was fed ahead. After a stop, idle motion fades in. A
// start continues from the displayed weights.
void Player::set_speaking(bool speaking) {
  const double time = clock_.time();
  Fade& fade = stream_.fade();
  if (speaking != speaking_) {
    speaking_ = speaking;
    idle_time_ = speaking ? std::numeric_limits<double>::infinity() : time + kIdleDelay;
    if (faded_out_) return;
    if (!speaking) {
      fade.fade_out(time, kStopFade);
    } else if (fade.factor(time) < 1.0) {
      fade.fade_in(time, 0.0);
      blend_.start();
    }
  } else if (time >= idle_time_) {
    idle_time_ = std::numeric_limits<double>::infinity();
    if (!faded_out_) fade.fade_in(time, kIdleFade);
  }
}

void Player::fade_out(double seconds) {
  faded_out_ = true;
  stream_.fade().fade_out(clock_.time(), seconds);
}

void Player::fade_in(double seconds) {
  faded_out_ = false;
  stream_.fade().fade_in(clock_.time(), seconds);
}

void Player::reset() {
  format_start_ = 0.0;
  pushed_before_format_ = 0;
  last_feed_ = -std::numeric_limits<double>::infinity();
  fed_.store(0);
  replaced_.store(0);
  requested_.store(0);
  block_seconds_.store(0.0);
  anchors_.read();
  anchor_ = {};
  clock_.reset();
  clip_.reset();
  blend_.reset();
  ahead_ = 0.0;
  fed_at_update_ = 0;
  updated_ = silent_ = speaking_ = stop_requested_ = held_ = was_paused_ = faded_out_ = false;
  idle_time_ = std::numeric_limits<double>::infinity();
}

void Player::get_state(koemorph_player_state* state) const {
  state->speaking = speaking_ ? 1 : 0;
  state->paused = held_ ? 1 : 0;
  state->playback_time = updated_ ? clock_.time() : 0.0;
  state->latency = latency();
  state->end_time = end_seconds();
  state->sample_rate = format_.sample_rate;
  state->channels = format_.channels;
}

}  // namespace koemorph
