// The C API of players.
#include <cmath>

#include "api/api_support.h"

using koemorph::AudioFormat;
using koemorph::check_format;
using koemorph::concurrent_call;
using koemorph::copy_config;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::Player;
using koemorph::ScopedEntry;

namespace {

constexpr int32_t kDefaultSampleRate = 48000;
constexpr double kBufferSeconds = 0.5;

// Runs a call of the game thread.
template <typename Body>
koemorph_result in_game(koemorph_player* player, const char* function, Body body) {
  if (player == nullptr) return invalid("%s: player is NULL.", function);
  const ScopedEntry entry(player->stream.stream.game_guard());
  if (!entry) return concurrent_call();
  return body(player->player);
}

koemorph_result check_update(const char* function, double now, koemorph_pause pause) {
  if (!std::isfinite(now)) return invalid("%s: now is not finite.", function);
  if (pause < KOEMORPH_PAUSE_NONE || pause > KOEMORPH_PAUSE_GAME) {
    return invalid("%s: pause is %d, expected a koemorph_pause.", function,
                   static_cast<int>(pause));
  }
  return KOEMORPH_OK;
}

koemorph_result set_format(Player& player, AudioFormat format, double now) {
  const koemorph_result checked = check_format(format.sample_rate, format.channels, 1);
  if (checked != KOEMORPH_OK) return checked;
  return guarded([&] {
    player.set_format(format, now);
    return KOEMORPH_OK;
  });
}

}  // namespace

extern "C" {

void koemorph_player_config_init(koemorph_player_config* config) {
  if (config == nullptr) return;
  *config = koemorph_player_config{};
  config->size = sizeof *config;
  config->channels = 1;
  config->worker = 1;
}

koemorph_result koemorph_player_create(const koemorph_model* model,
                                       const koemorph_player_config* config,
                                       koemorph_player** out) {
  if (model == nullptr || out == nullptr) {
    return invalid("koemorph_player_create: model or out is NULL.");
  }
  koemorph_player_config full;
  koemorph_player_config_init(&full);
  if (!copy_config(config, &full)) {
    return invalid(
        "koemorph_player_create: config is NULL or its size is not set. Call "
        "koemorph_player_config_init.");
  }
  const bool known = full.sample_rate != 0;
  koemorph_stream_config stream;
  koemorph_stream_config_init(&stream);
  stream.sample_rate = known ? full.sample_rate : kDefaultSampleRate;
  stream.channels = known ? full.channels : 1;
  stream.worker = full.worker;
  // The size of the buffer in samples stays when the sample rate changes.
  stream.buffer_seconds =
      kBufferSeconds * std::max(1.0, static_cast<double>(kDefaultSampleRate) / stream.sample_rate);
  const koemorph_result checked = check_format(stream.sample_rate, stream.channels, 1);
  if (checked != KOEMORPH_OK) return checked;
  return guarded([&] {
    const AudioFormat format = known ? AudioFormat{full.sample_rate, full.channels} : AudioFormat{};
    *out = new koemorph_player(model->model, stream, format);
    return KOEMORPH_OK;
  });
}

void koemorph_player_destroy(koemorph_player* player) { delete player; }

koemorph_stream* koemorph_player_stream(koemorph_player* player) {
  return player == nullptr ? nullptr : &player->stream;
}

koemorph_result koemorph_player_feed(koemorph_player* player, const float* interleaved,
                                     int32_t sample_count, int32_t sample_rate, int32_t channels,
                                     double now) {
  if (player == nullptr) return invalid("koemorph_player_feed: player is NULL.");
  if (sample_count < 0 || (interleaved == nullptr && sample_count > 0)) {
    return invalid("koemorph_player_feed: interleaved is NULL or sample_count is negative (%d).",
                   sample_count);
  }
  if (sample_rate < 1 || channels < 1 || !std::isfinite(now)) {
    return invalid(
        "koemorph_player_feed: sample_rate (%d) or channels (%d) is less than 1, or now is not "
        "finite.",
        sample_rate, channels);
  }
  const koemorph_result result =
      player->player.feed(interleaved, sample_count, {sample_rate, channels}, now);
  return result == KOEMORPH_INVALID_STATE ? concurrent_call() : result;
}

koemorph_result koemorph_player_set_input_format(koemorph_player* player, int32_t sample_rate,
                                                 int32_t channels, double now) {
  if (!std::isfinite(now)) {
    return invalid("koemorph_player_set_input_format: now is not finite.");
  }
  return in_game(player, "koemorph_player_set_input_format",
                 [&](Player& p) { return set_format(p, {sample_rate, channels}, now); });
}

koemorph_result koemorph_player_update(koemorph_player* player, double now, koemorph_pause pause) {
  const koemorph_result checked = check_update("koemorph_player_update", now, pause);
  if (checked != KOEMORPH_OK) return checked;
  return in_game(player, "koemorph_player_update", [&](Player& p) {
    const AudioFormat requested = p.requested_format();
    if (requested.sample_rate != 0) {
      const koemorph_result result = set_format(p, requested, now);
      if (result != KOEMORPH_OK) return result;
    }
    p.update(now, pause);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_follow_clip(koemorph_player* player,
                                            const koemorph_clip_state* clip, double now,
                                            koemorph_pause pause) {
  const koemorph_result checked = check_update("koemorph_player_follow_clip", now, pause);
  if (checked != KOEMORPH_OK) return checked;
  koemorph_clip_state full{};
  full.speed = 1.0;
  if (!copy_config(clip, &full)) {
    return invalid("koemorph_player_follow_clip: clip is NULL or its size is not set.");
  }
  if (full.position < 0 || full.sample_count < 0 || !std::isfinite(full.speed)) {
    return invalid(
        "koemorph_player_follow_clip: position or sample_count is negative, or speed is not "
        "finite.");
  }
  return in_game(player, "koemorph_player_follow_clip", [&](Player& p) {
    if (p.format().sample_rate == 0) {
      return koemorph::fail(KOEMORPH_INVALID_STATE,
                            "koemorph_player_follow_clip: the sample rate of the clip is unknown. "
                            "Set koemorph_player_config.sample_rate.");
    }
    p.follow_clip(full, now, pause);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_next_read(koemorph_player* player, int64_t* position,
                                          int32_t* count) {
  if (position == nullptr || count == nullptr) {
    return invalid("koemorph_player_next_read: position or count is NULL.");
  }
  return in_game(player, "koemorph_player_next_read", [&](Player& p) {
    *count = p.next_read(position);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_sample(koemorph_player* player, float* weights, int32_t count) {
  if (weights == nullptr || count < 0) {
    return invalid("koemorph_player_sample: weights is NULL, or count is negative (%d).", count);
  }
  return in_game(player, "koemorph_player_sample", [&](Player& p) {
    return p.sample(weights, count) ? KOEMORPH_OK : KOEMORPH_NO_FRAME;
  });
}

koemorph_result koemorph_player_get_state(koemorph_player* player, koemorph_player_state* state) {
  return in_game(player, "koemorph_player_get_state", [&](Player& p) {
    koemorph_player_state full{};
    p.get_state(&full);
    if (koemorph::write_info(full, state)) return KOEMORPH_OK;
    return invalid("koemorph_player_get_state: state is NULL or state->size is not set.");
  });
}

koemorph_result koemorph_player_set_latency(koemorph_player* player, double output_latency,
                                            double delay) {
  if (!std::isfinite(output_latency) || !(delay >= -1.0 && delay <= 1.0)) {
    return invalid(
        "koemorph_player_set_latency: output_latency is not finite, or delay is not in -1 to 1 s.");
  }
  return in_game(player, "koemorph_player_set_latency", [&](Player& p) {
    p.set_latency(output_latency, delay);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_set_controls(koemorph_player* player,
                                             const koemorph_controls* controls) {
  if (player == nullptr) return invalid("koemorph_player_set_controls: player is NULL.");
  return koemorph_stream_set_controls(&player->stream, controls);
}

koemorph_result koemorph_player_fade_out(koemorph_player* player, double seconds) {
  if (!(seconds >= 0.0)) return invalid("koemorph_player_fade_out: seconds is negative.");
  return in_game(player, "koemorph_player_fade_out", [&](Player& p) {
    p.fade_out(seconds);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_fade_in(koemorph_player* player, double seconds) {
  if (!(seconds >= 0.0)) return invalid("koemorph_player_fade_in: seconds is negative.");
  return in_game(player, "koemorph_player_fade_in", [&](Player& p) {
    p.fade_in(seconds);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_stop(koemorph_player* player) {
  return in_game(player, "koemorph_player_stop", [](Player& p) {
    p.stop();
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_player_reset(koemorph_player* player) {
  if (player == nullptr) return invalid("koemorph_player_reset: player is NULL.");
  const koemorph_result result = koemorph_stream_reset(&player->stream, 0, 0);
  if (result != KOEMORPH_OK) return result;
  return in_game(player, "koemorph_player_reset", [](Player& p) {
    p.reset();
    return KOEMORPH_OK;
  });
}

}  // extern "C"
