#include "player/clip_follower.h"

#include <algorithm>

namespace koemorph {
namespace {

// A larger advance (the game stalled while the audio continued) is handled like a seek: the stream
// could not buffer the whole gap. s
constexpr double kMaxAdvance = 0.4;
// Audio read before a new position, as context for the model, s.
constexpr double kPreroll = 0.2;

}  // namespace

bool ClipFollower::update(const koemorph_clip_state& clip, double now, double end,
                          int sample_rate) {
  const double elapsed = running_ ? std::max(0.0, now - now_) : 0.0;
  now_ = now;
  running_ = true;
  sample_rate_ = sample_rate;
  const bool was_playing = clip_.playing != 0;
  const int64_t last_position = clip_.position;
  clip_ = clip;
  clip_now_ += clip.playing != 0 ? elapsed * clip.speed : elapsed;
  if (clip.playing == 0) {
    anchor_at(anchor_.stream + std::min(elapsed, kMaxAdvance));
    return false;
  }
  if (!was_playing) {
    started_ = false;
    start_position_ = clip.position;
  }
  started_ |= clip.position != start_position_;
  int64_t advance = clip.position - last_position;
  if (advance < 0 && clip.loop != 0) {
    advance += clip.sample_count;
    origin_ += static_cast<double>(clip.sample_count) / sample_rate;
  }
  if (!was_playing || advance < 0 || static_cast<double>(advance) > kMaxAdvance * sample_rate) {
    next_ = std::max<int64_t>(0, clip.position - static_cast<int64_t>(kPreroll * sample_rate));
    origin_ = end - static_cast<double>(next_) / sample_rate;
    anchor_at(stream_time(clip.position));
    return true;
  }
  if (advance > 0) {
    anchor_at(stream_time(clip.position));
  } else if (!started_) {
    anchor_at(anchor_.stream);
  }
  return false;
}

int ClipFollower::read(int max_count, int64_t* position) {
  if (clip_.playing == 0) return 0;
  if (clip_.loop != 0 && next_ >= clip_.sample_count) next_ = 0;
  const int64_t left = clip_.sample_count - next_;
  if (left <= 0) return 0;
  const auto count = static_cast<int>(std::min<int64_t>(max_count, left));
  *position = next_;
  next_ += count;
  return count;
}

}  // namespace koemorph
