/* KoeMorph for C++17: koemorph.h with owning classes and exceptions, header only.
 *
 *   koemorph::Model model("koemorph-30.onnx");
 *   koemorph::Stream stream(model, 48000);
 *   stream.push(samples, sample_count);             audio thread; see koemorph.h for threads
 *   stream.process();                               worker thread
 *   std::array<float, 52> face = stream.sample(t);  game thread
 *
 * Failures throw koemorph::Error; KOEMORPH_NO_FRAME is returned as false. Functions of the audio
 * and game threads throw, and allocate, only on misuse.
 */
#ifndef KOEMORPH_HPP
#define KOEMORPH_HPP

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "koemorph.h"

namespace koemorph {
/* An inline namespace, because a statically linked library contains internal classes of the same
 * names. */
inline namespace cpp {

using Face = std::array<float, KOEMORPH_BLENDSHAPE_COUNT>;

class Error : public std::runtime_error {
 public:
  explicit Error(koemorph_result result)
      : std::runtime_error(koemorph_error_message()), result_(result) {}
  koemorph_result result() const noexcept { return result_; }

 private:
  koemorph_result result_;
};

/* False for KOEMORPH_NO_FRAME, true for KOEMORPH_OK; throws for failures. */
inline bool check(koemorph_result result) {
  if (result < 0) throw Error(result);
  return result == KOEMORPH_OK;
}

namespace detail {

template <typename Handle, void (*destroy)(Handle*)>
struct Destroy {
  void operator()(Handle* handle) const noexcept { destroy(handle); }
};

template <typename Handle, void (*destroy)(Handle*)>
using Owner = std::unique_ptr<Handle, Destroy<Handle, destroy>>;

}  // namespace detail

inline koemorph_controls default_controls() {
  koemorph_controls controls;
  koemorph_controls_init(&controls);
  return controls;
}

/* Descriptions of all fields of koemorph_controls. */
inline std::vector<koemorph_control_info> control_info() {
  std::vector<koemorph_control_info> infos(static_cast<std::size_t>(koemorph_control_count()));
  for (std::size_t i = 0; i < infos.size(); ++i) {
    infos[i].size = sizeof infos[i];
    check(koemorph_control_get_info(static_cast<int32_t>(i), &infos[i]));
  }
  return infos;
}

inline koemorph_controls controls_from_preset(std::string_view json) {
  koemorph_controls controls;
  check(koemorph_controls_from_preset(json.data(), json.size(), &controls));
  return controls;
}

class Model {
 public:
  explicit Model(const koemorph_model_config& config) {
    koemorph_model* handle = nullptr;
    check(koemorph_model_load(&config, &handle));
    handle_.reset(handle);
  }
  /* onnxruntime_path: for models with operators that the built-in inference lacks. */
  explicit Model(const std::string& path, const std::string& onnxruntime_path = "")
      : Model(config_of(path, onnxruntime_path)) {}

  /* "" when there is no such key. */
  std::string metadata(const std::string& key) const {
    const char* text = koemorph_model_metadata(handle_.get(), key.c_str());
    return text == nullptr ? "" : text;
  }
  koemorph_model* get() const noexcept { return handle_.get(); }

 private:
  static koemorph_model_config config_of(const std::string& path, const std::string& runtime) {
    koemorph_model_config config;
    koemorph_model_config_init(&config);
    config.path = path.c_str();
    if (!runtime.empty()) config.onnxruntime_path = runtime.c_str();
    return config;
  }
  detail::Owner<koemorph_model, koemorph_model_destroy> handle_;
};

class Stream {
 public:
  Stream(const Model& model, const koemorph_stream_config& config) {
    koemorph_stream* handle = nullptr;
    check(koemorph_stream_create(model.get(), &config, &handle));
    handle_.reset(handle);
  }
  Stream(const Model& model, int32_t sample_rate, int32_t channels = 1, bool worker = false)
      : Stream(model, config_of(sample_rate, channels, worker)) {}

  void push(const float* interleaved, int32_t sample_count) {
    check(koemorph_stream_push(get(), interleaved, sample_count));
  }
  void set_input_format(int32_t sample_rate, int32_t channels = 0) {
    check(koemorph_stream_set_input_format(get(), sample_rate, channels));
  }
  void flush() { check(koemorph_stream_flush(get())); }
  bool process() { return check(koemorph_stream_process(get())); }
  Face sample(double playback_time) {
    Face face;
    check(koemorph_stream_sample(get(), playback_time, face.data(), KOEMORPH_BLENDSHAPE_COUNT));
    return face;
  }
  /* False when there is no further frame; face and time are then unchanged. */
  bool pull(Face& face, double* time = nullptr) {
    return check(koemorph_stream_pull(get(), face.data(), KOEMORPH_BLENDSHAPE_COUNT, time));
  }
  void set_controls(const koemorph_controls& controls) {
    check(koemorph_stream_set_controls(get(), &controls));
  }
  void fade_out(double playback_time, double seconds) {
    check(koemorph_stream_fade_out(get(), playback_time, seconds));
  }
  void fade_in(double playback_time, double seconds) {
    check(koemorph_stream_fade_in(get(), playback_time, seconds));
  }
  void reset(int32_t sample_rate = 0, int32_t channels = 0) {
    check(koemorph_stream_reset(get(), sample_rate, channels));
  }
  koemorph_stream_info info() const {
    koemorph_stream_info info{};
    info.size = sizeof info;
    check(koemorph_stream_get_info(get(), &info));
    return info;
  }
  koemorph_stream* get() const noexcept { return handle_.get(); }

 private:
  static koemorph_stream_config config_of(int32_t sample_rate, int32_t channels, bool worker) {
    koemorph_stream_config config;
    koemorph_stream_config_init(&config);
    config.sample_rate = sample_rate;
    config.channels = channels;
    config.worker = worker ? 1 : 0;
    return config;
  }
  detail::Owner<koemorph_stream, koemorph_stream_destroy> handle_;
};

class StreamBatch {
 public:
  StreamBatch(const Model& model, int32_t capacity) {
    koemorph_stream_batch* handle = nullptr;
    check(koemorph_stream_batch_create(model.get(), capacity, &handle));
    handle_.reset(handle);
  }
  bool process(const std::vector<koemorph_stream*>& streams) {
    return check(koemorph_stream_batch_process(handle_.get(), streams.data(),
                                               static_cast<int32_t>(streams.size())));
  }
  koemorph_stream_batch* get() const noexcept { return handle_.get(); }

 private:
  detail::Owner<koemorph_stream_batch, koemorph_stream_batch_destroy> handle_;
};

class Player {
 public:
  Player(const Model& model, const koemorph_player_config& config) {
    koemorph_player* handle = nullptr;
    check(koemorph_player_create(model.get(), &config, &handle));
    handle_.reset(handle);
  }
  /* sample_rate 0: the format of the first block. */
  explicit Player(const Model& model, int32_t sample_rate = 0, int32_t channels = 1,
                  bool worker = true)
      : Player(model, config_of(sample_rate, channels, worker)) {}

  /* False when the block was replaced by silence. */
  bool feed(const float* interleaved, int32_t sample_count, int32_t sample_rate, int32_t channels,
            double now) {
    return check(
        koemorph_player_feed(get(), interleaved, sample_count, sample_rate, channels, now));
  }
  void set_input_format(int32_t sample_rate, int32_t channels, double now) {
    check(koemorph_player_set_input_format(get(), sample_rate, channels, now));
  }
  void update(double now, koemorph_pause pause = KOEMORPH_PAUSE_NONE) {
    check(koemorph_player_update(get(), now, pause));
  }
  void follow_clip(const koemorph_clip_state& clip, double now,
                   koemorph_pause pause = KOEMORPH_PAUSE_NONE) {
    check(koemorph_player_follow_clip(get(), &clip, now, pause));
  }
  /* The number of samples to feed; 0: none. */
  int32_t next_read(int64_t& position) {
    int32_t count = 0;
    check(koemorph_player_next_read(get(), &position, &count));
    return count;
  }
  Face sample() {
    Face face;
    check(koemorph_player_sample(get(), face.data(), KOEMORPH_BLENDSHAPE_COUNT));
    return face;
  }
  bool process() { return check(koemorph_stream_process(stream())); }
  koemorph_player_state state() const {
    koemorph_player_state state{};
    state.size = sizeof state;
    check(koemorph_player_get_state(get(), &state));
    return state;
  }
  koemorph_stream_info info() const {
    koemorph_stream_info info{};
    info.size = sizeof info;
    check(koemorph_stream_get_info(stream(), &info));
    return info;
  }
  void set_latency(double output_latency, double delay = 0.0) {
    check(koemorph_player_set_latency(get(), output_latency, delay));
  }
  void set_controls(const koemorph_controls& controls) {
    check(koemorph_player_set_controls(get(), &controls));
  }
  void fade_out(double seconds) { check(koemorph_player_fade_out(get(), seconds)); }
  void fade_in(double seconds) { check(koemorph_player_fade_in(get(), seconds)); }
  void stop() { check(koemorph_player_stop(get())); }
  void reset() { check(koemorph_player_reset(get())); }
  koemorph_player* get() const noexcept { return handle_.get(); }
  koemorph_stream* stream() const noexcept { return koemorph_player_stream(get()); }

 private:
  static koemorph_player_config config_of(int32_t sample_rate, int32_t channels, bool worker) {
    koemorph_player_config config;
    koemorph_player_config_init(&config);
    config.sample_rate = sample_rate;
    config.channels = channels;
    config.worker = worker ? 1 : 0;
    return config;
  }
  detail::Owner<koemorph_player, koemorph_player_destroy> handle_;
};

class RetargetMap {
 public:
  /* Weights in the order of the map. */
  explicit RetargetMap(std::string_view json) { load(json, nullptr, 0); }
  /* Weights in the order of the rig's shapes. */
  RetargetMap(std::string_view json, const std::vector<std::string>& rig_names) {
    std::vector<const char*> names{""};  // a non-NULL pointer for a rig without shapes
    for (const std::string& name : rig_names) names.push_back(name.c_str());
    load(json, names.data() + 1, static_cast<int32_t>(rig_names.size()));
  }

  int32_t count() const noexcept { return koemorph_retarget_map_count(handle_.get()); }
  std::string name(int32_t index) const {
    const char* text = koemorph_retarget_map_name(handle_.get(), index);
    return text == nullptr ? "" : text;
  }
  bool is_driven(int32_t index) const noexcept {
    return koemorph_retarget_map_is_driven(handle_.get(), index) != 0;
  }
  void apply(const Face& face, float* weights, int32_t count) const {
    check(koemorph_retarget_map_apply(handle_.get(), face.data(), weights, count));
  }

 private:
  void load(std::string_view json, const char* const* names, int32_t count) {
    koemorph_retarget_map* handle = nullptr;
    check(koemorph_retarget_map_load(json.data(), json.size(), names, count, &handle));
    handle_.reset(handle);
  }
  detail::Owner<koemorph_retarget_map, koemorph_retarget_map_destroy> handle_;
};

}  // namespace cpp
}  // namespace koemorph

#endif /* KOEMORPH_HPP */
