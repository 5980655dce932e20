// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "FaceStream.h"

#include <utility>

namespace koemorph_plugin {

FaceStream::FaceStream(std::shared_ptr<const Model> model)
    : model_(std::move(model)), player_(nullptr, PlayerDeleter{model_->api().player_destroy}) {
  koemorph_player_config config;
  model_->api().player_config_init(&config);
  koemorph_player* player = nullptr;
  model_->api().player_create(model_->get(), &config, &player);
  player_.reset(player);  // null when memory is exhausted: every call then fails
}

bool FaceStream::Push(const float* interleaved, int sample_count, int sample_rate, int channels,
                      double wall) {
  return model_->api().player_feed(player_.get(), interleaved, sample_count, sample_rate, channels,
                                   wall) == KOEMORPH_OK;
}

bool FaceStream::Update(double wall, std::string* error, bool paused) {
  const koemorph_pause pause = paused ? KOEMORPH_PAUSE_GAME : KOEMORPH_PAUSE_NONE;
  if (model_->api().player_update(player_.get(), wall, pause) == KOEMORPH_OK) return true;
  *error = model_->api().error_message();
  return false;
}

bool FaceStream::SetControls(const koemorph_controls& controls, std::string* error) {
  if (model_->api().player_set_controls(player_.get(), &controls) == KOEMORPH_OK) return true;
  *error = model_->api().error_message();
  return false;
}

void FaceStream::SetDelay(double delay) {
  model_->api().player_set_latency(player_.get(), -1, delay);
}

double FaceStream::Sample(Weights* weights) const {
  weights->fill(0.0f);
  model_->api().player_sample(player_.get(), weights->data(), KOEMORPH_BLENDSHAPE_COUNT);
  return playback_time();
}

void FaceStream::FadeOut(double seconds) { model_->api().player_fade_out(player_.get(), seconds); }

void FaceStream::FadeIn(double seconds) { model_->api().player_fade_in(player_.get(), seconds); }

koemorph_player_state FaceStream::State() const {
  koemorph_player_state state = {};
  state.size = sizeof(state);
  model_->api().player_get_state(player_.get(), &state);
  return state;
}

koemorph_stream_info FaceStream::Info() const {
  koemorph_stream_info info = {};
  info.size = sizeof(info);
  const Api& api = model_->api();
  api.stream_get_info(api.player_stream(player_.get()), &info);
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
