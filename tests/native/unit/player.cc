// A player with a simulated audio device: block sizes, jitter, drift, gaps, pauses, clips.
#include <algorithm>
#include <atomic>
#include <functional>
#include <thread>

#include "koemorph.hpp"
#include "unit.h"

using koemorph::Face;

namespace {

constexpr int kRate = 16000;
constexpr double kFrame = 1.0 / 60;

struct Device {
  double speed = 1.0;    // sample clock relative to the game's clock
  int min_block = 320;   // samples
  int max_block = 320;   // samples
  double jitter = 0.0;   // s by which a block arrives late at most
  double dropped = 0.0;  // ratio of blocks that do not arrive
  double repeated = 0.0;
};

// Repeatable random numbers in [0, 1).
class Random {
 public:
  double next() {
    state_ = state_ * 6364136223846793005ull + 1442695040888963407ull;
    return static_cast<double>(state_ >> 40) / (1 << 24);
  }

 private:
  uint64_t state_ = 7;
};

// The game and the device, with a clock that the test advances.
class Game {
 public:
  Game(const koemorph::Model& model, const Device& device)
      : player_(model, kRate, 1, false), device_(device), block_(8000) {
    koemorph_controls controls = koemorph::default_controls();
    controls.blink = 0.0f;
    // The model predicts almost nothing: steps are then those of the player.
    std::fill(std::begin(controls.offset), std::end(controls.offset), 0.6f);
    player_.set_controls(controls);
    schedule();
  }

  // One rendered frame; `sound` of the device is on or off.
  void frame(bool sound, float level = 0.0f) {
    now_ += kFrame;
    if (!sound) restart_device();
    while (sound && arrival_ <= now_) {
      if (random_.next() >= device_.dropped) feed(level);
      if (random_.next() < device_.repeated) feed(level);
      device_time_ += size_ / (kRate * device_.speed);
      schedule();
    }
    update(KOEMORPH_PAUSE_NONE);
  }
  void pause() {
    now_ += kFrame;
    restart_device();
    update(KOEMORPH_PAUSE_ALL);
  }
  void suspend(double seconds) { now_ += seconds; }
  void play(double seconds, bool sound, float level = 0.0f) {
    for (int i = 0; i < seconds / kFrame; ++i) frame(sound, level);
  }

  koemorph::Player& player() { return player_; }
  double now() const { return now_; }
  double time() const { return player_.state().playback_time; }
  double step() const { return time() - last_time_; }
  // Largest change of a weight in the last frame.
  double face_step() const {
    double largest = 0.0;
    for (size_t i = 0; i < face_.size(); ++i) {
      largest = std::max<double>(largest, std::abs(face_[i] - last_face_[i]));
    }
    return largest;
  }
  double largest_weight() const { return *std::max_element(face_.begin(), face_.end()); }
  bool speaking() const { return player_.state().speaking != 0; }

 private:
  void feed(float level) {
    for (int i = 0; i < size_; ++i) block_[i] = level * static_cast<float>(random_.next() - 0.5);
    player_.feed(block_.data(), size_, kRate, 1, arrival_);
  }
  void restart_device() {
    device_time_ = now_;
    schedule();
  }
  void schedule() {
    const double size =
        device_.min_block + random_.next() * (device_.max_block - device_.min_block);
    size_ = static_cast<int>(size);
    arrival_ = device_time_ + size_ / (kRate * device_.speed) + random_.next() * device_.jitter;
  }
  void update(koemorph_pause pause) {
    last_time_ = time();
    last_face_ = face_;
    player_.update(now_, pause);
    while (player_.process()) {
    }
    face_ = player_.sample();
  }

  koemorph::Player player_;
  Device device_;
  Random random_;
  std::vector<float> block_;
  double now_ = 1000.0, device_time_ = 1000.0, arrival_ = 0.0, last_time_ = 0.0;
  int size_ = 0;
  Face face_{}, last_face_{};
};

// In steady state the time advances by the frame time, and follows the audio.
void check_steady_state(const koemorph::Model& model, const Device& device) {
  Game game(model, device);
  game.play(4.0, true, 0.2f);
  for (int i = 0; i < 1200; ++i) {
    game.frame(true, 0.2f);
    EXPECT(koemorph::unit::near(game.step(), kFrame, 1e-3));
    const koemorph_player_state state = game.player().state();
    const double lag = state.end_time - state.playback_time;
    // The audio in the device, and jitter, are not in the stream yet.
    EXPECT(lag > state.latency - 0.06 && lag < state.latency + 0.06);
    EXPECT(state.latency < 0.2);
    EXPECT(game.speaking());
  }
  EXPECT(game.player().info().dropped_samples == 0);
}

void check_devices(const koemorph::Model& model) {
  check_steady_state(model, {});
  check_steady_state(model, {1.0003});
  check_steady_state(model, {0.9997});
  check_steady_state(model, {1.0, 160, 160, 0.005});
  check_steady_state(model, {1.0003, 100, 700, 0.01});
  check_steady_state(model, {0.9997, 341, 341, 0.02});
  check_steady_state(model, {1.0, 320, 320, 0.0, 0.01, 0.01});
}

// Changes of the weights stay below 0.05 over a stop and a restart, at any moment of the fade.
void check_restarts(const koemorph::Model& model) {
  for (double pause = 0.1; pause < 2.5; pause += 0.21) {
    Game game(model, {});
    game.play(3.0, true);
    EXPECT(game.speaking() && game.largest_weight() > 0.1);
    for (int i = 0; i < pause / kFrame; ++i) game.frame(false);
    if (pause > 0.5) EXPECT(!game.speaking());
    if (pause > 0.5 && pause < 1.0) EXPECT(game.largest_weight() == 0.0);
    for (int i = 0; i < 60; ++i) {
      game.frame(true);
      EXPECT(game.face_step() <= 0.05);
    }
    EXPECT(game.speaking() && game.largest_weight() > 0.1);
  }
}

void check_stop(const koemorph::Model& model) {
  Game game(model, {});
  game.play(2.0, true, 0.2f);
  game.player().stop();
  game.play(0.25, false);
  EXPECT(!game.speaking() && game.largest_weight() == 0.0);
  game.play(2.0, false);
  EXPECT(game.largest_weight() > 0.0);  // idle motion
  EXPECT(koemorph::unit::near(game.step(), kFrame, 1e-3));
  game.player().fade_out(0.1);
  game.play(0.2, true, 0.2f);
  EXPECT(game.speaking() && game.largest_weight() == 0.0);
  game.player().fade_in(0.1);
  game.play(0.2, true, 0.2f);
  EXPECT(game.largest_weight() > 0.1);
}

void check_pause_and_suspension(const koemorph::Model& model) {
  Game game(model, {});
  game.play(2.0, true, 0.2f);
  const double time = game.time();
  const int64_t pushed = game.player().info().pushed_samples;
  for (int i = 0; i < 300; ++i) {
    game.pause();
    EXPECT(game.step() == 0.0 && game.face_step() == 0.0);
  }
  EXPECT(game.player().state().paused == 1 && game.speaking());
  EXPECT(game.player().info().pushed_samples == pushed);
  game.play(0.5, true, 0.2f);
  EXPECT(koemorph::unit::near(game.time(), time + 0.5, 0.03));
  game.suspend(30.0);
  game.play(0.5, false);
  EXPECT(!game.speaking() && game.player().info().dropped_samples == 0);
  EXPECT(game.time() < time + 3.0);
}

void check_formats(const koemorph::Model& model) {
  koemorph::Player player(model, 0, 1, false);
  const std::vector<float> block(4800, 0.1f);
  EXPECT(player.sample() == Face{} && player.state().sample_rate == 0);
  double now = 100.0;
  const auto feed = [&](int count, int rate, int channels) {
    now += static_cast<double>(count) / rate;
    const bool accepted = player.feed(block.data(), count, rate, channels, now);
    player.update(now);
    return accepted;
  };
  EXPECT(!feed(480, 48000, 2));  // the first block has the format
  for (int i = 0; i < 10; ++i) EXPECT(feed(480, 48000, 2));
  EXPECT(koemorph::unit::near(player.state().end_time, 0.1, 1e-9));
  EXPECT(!feed(441, 44100, 1));  // replaced by silence of its duration
  EXPECT(koemorph::unit::near(player.state().end_time, 0.11, 1e-9));
  EXPECT(feed(441, 44100, 1) && player.state().speaking == 1);
  player.set_input_format(8000, 1, now);
  EXPECT(feed(80, 8000, 1));
  EXPECT(koemorph::unit::near(player.state().end_time, 0.13, 1e-9));
  EXPECT(!player.feed(block.data(), 80, 7, 1, now));
  EXPECT(koemorph_player_update(player.get(), now, KOEMORPH_PAUSE_NONE) ==
         KOEMORPH_INVALID_ARGUMENT);
  EXPECT(feed(80, 8000, 1));  // the device returned to the former format
  player.reset();
  EXPECT(player.state().end_time == 0.0 && player.sample() == Face{});
  EXPECT(feed(80, 8000, 1));
}

// Silence is pushed for stopped sources only: never after a block that arrives during an update.
void check_concurrent_feed(const koemorph::Model& model) {
  koemorph::Player player(model, kRate, 1, true);
  const std::vector<float> block(160, 0.1f);
  std::atomic<bool> done{false};
  int64_t replaced = 0;
  std::thread audio([&] {
    for (int i = 0; i < 3000; ++i) {
      if (!player.feed(block.data(), 160, kRate, 1, 100.0)) ++replaced;
    }
    done = true;
  });
  while (!done) player.update(100.0);
  audio.join();
  EXPECT(player.info().pushed_samples == 160 * 3000);
  EXPECT(replaced == 0);
}

// A clip of 2 s whose position moves in steps of 1024 samples, as an engine's mixer reports it.
void check_clip(const koemorph::Model& model) {
  koemorph::Player player(model, kRate, 1, false);
  player.set_latency(0.05);
  koemorph_clip_state clip{sizeof clip, 1, 1, 0, 2 * kRate, 1.0};
  const std::vector<float> samples = koemorph::unit::sine(200.0, kRate, 2 * kRate);
  double now = 10.0, mixed = 0.0, time = 0.0;
  const auto frame = [&](double seconds) {
    now += seconds;
    mixed += seconds;
    clip.position = static_cast<int64_t>(mixed * kRate) / 1024 * 1024 % clip.sample_count;
    time = player.state().playback_time;
    player.follow_clip(clip, now);
    int64_t position = 0;
    while (const int32_t count = player.next_read(position)) {
      EXPECT(position >= 0 && position + count <= clip.sample_count);
      EXPECT(player.feed(samples.data() + position, count, kRate, 1, now));
    }
    player.process();
    return player.state().playback_time - time;
  };
  frame(0.0);
  EXPECT(player.state().speaking == 0);  // scheduled: the position has not moved
  for (int i = 0; i < 400; ++i) {        // over three loops
    const double step = frame(kFrame);
    if (i > 120) EXPECT(koemorph::unit::near(step, kFrame, 1e-3));
  }
  EXPECT(player.state().speaking == 1);
  mixed = 0.3;  // a seek back; the loop is off
  clip.loop = 0;
  frame(0.0);
  EXPECT(player.state().speaking == 1);
  for (int i = 0; i < 30; ++i) EXPECT(koemorph::unit::near(frame(kFrame), kFrame, 1e-2));
  clip.playing = 0;
  for (int i = 0; i < 30; ++i) frame(kFrame);
  EXPECT(player.state().speaking == 0 && player.info().dropped_samples == 0);
  EXPECT(player.sample() == Face{});
}

void check_invalid_calls(const koemorph::Model& model) {
  koemorph::Player player(model, 0, 1, false);
  const float sample = 0.0f;
  const koemorph_clip_state clip{sizeof clip, 1, 0, 0, 100, 1.0};
  EXPECT(koemorph_player_feed(player.get(), nullptr, 1, kRate, 1, 0) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_feed(player.get(), &sample, 1, 0, 1, 0) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_update(player.get(), NAN, KOEMORPH_PAUSE_NONE) ==
         KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_update(player.get(), 0, static_cast<koemorph_pause>(3)) ==
         KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_follow_clip(player.get(), &clip, 0, KOEMORPH_PAUSE_NONE) ==
         KOEMORPH_INVALID_STATE);
  EXPECT(koemorph_player_set_latency(player.get(), 0, 2) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_fade_out(player.get(), -1) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_get_state(player.get(), nullptr) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_update(nullptr, 0, KOEMORPH_PAUSE_NONE) == KOEMORPH_INVALID_ARGUMENT);
  EXPECT(koemorph_player_stream(nullptr) == nullptr);
  koemorph_player_destroy(nullptr);
}

}  // namespace

KOEMORPH_TESTS(player) {
  const koemorph::Model model(KOEMORPH_TEST_MODEL);
  check_devices(model);
  check_restarts(model);
  check_stop(model);
  check_pause_and_suspension(model);
  check_formats(model);
  check_concurrent_feed(model);
  check_clip(model);
  check_invalid_calls(model);
}
