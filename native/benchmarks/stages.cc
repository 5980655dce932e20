#include "stages.h"

#include <cmath>
#include <memory>
#include <utility>

#include "audio/resampler.h"
#include "egemaps/egemaps.h"
#include "face/controls.h"
#include "face/controls_processor.h"
#include "face/idle_motion.h"
#include "features/mel.h"
#include "model/inference.h"
#include "model/model.h"
#include "retarget/retarget_map.h"

namespace koemorph::benchmark {
namespace {

// Prevents the compiler from removing computations whose result is not used.
volatile float result_sink = 0.0f;

std::vector<float> resample_all(const Recording& recording, int rate) {
  Resampler resample(recording.rate, rate);
  const auto count = static_cast<int>(recording.samples.size());
  std::vector<float> out(resample.max_output(count));
  out.resize(resample.push(recording.samples.data(), count, out.data()));
  return out;
}

int run_mel(const MelConfig& config, const std::vector<float>& samples) {
  Mel mel(config);
  int frames = 0;
  for (size_t at = 0; at < samples.size();) {
    at += mel.push(samples.data() + at, static_cast<int>(samples.size() - at));
    if (!mel.ready()) continue;
    result_sink = mel.frame()[0] + mel.detail()[0];
    mel.next();
    ++frames;
  }
  return frames;
}

// CPU time of all steps; reports the time of steps with new functionals.
double run_egemaps(const EgemapsConfig& config, const std::vector<float>& samples, Report* report) {
  constexpr size_t kStep = 160;  // 10 ms: the step of the descriptors
  EgemapsStream egemaps(config);
  Times updates;
  const Stopwatch whole;
  for (size_t at = 0; at + kStep <= samples.size(); at += kStep) {
    const int64_t before = egemaps.updates();
    const Stopwatch watch;
    for (int taken = 0; taken < static_cast<int>(kStep);) {
      taken += egemaps.push(samples.data() + at + taken, static_cast<int>(kStep) - taken);
    }
    if (egemaps.updates() != before) updates.add(watch.processor_micros());
  }
  const double micros = whole.processor_micros();
  updates.report("egemaps_update", report);
  return micros;
}

double run_model(const std::shared_ptr<const Model>& model, int frames) {
  Inference inference(model, 1);
  const ModelSettings& settings = model->settings();
  const double updates_per_frame =
      1.0 / (settings.mel.clock.fps * settings.egemaps.update_interval);
  const Stopwatch watch;
  for (int i = 0; i < frames; ++i) {
    inference.set_expression_changed(std::floor(i * updates_per_frame) !=
                                     std::floor((i - 1) * updates_per_frame));
    const Status status = inference.run(1);
    if (!status.ok()) fail(status.message);
  }
  return watch.processor_micros();
}

// Weights that change with every frame.
void set_weights(int frame, float* face) {
  for (int i = 0; i < kBlendshapeCount; ++i) {
    face[i] = 0.01f * static_cast<float>((frame * 7 + i * 13) % 100);
  }
}

double run_controls(int frames, int fps) {
  koemorph_controls settings = default_controls();
  settings.saccades = settings.idle = settings.brow_accents = 1.0f;
  settings.symmetry = settings.lower_smoothing = 0.1f;
  ControlsProcessor controls(fps);
  IdleMotion idle_motion(fps);
  controls.set(settings);
  idle_motion.set(settings);
  float face[kBlendshapeCount];
  const Stopwatch watch;
  for (int i = 0; i < frames; ++i) {
    set_weights(i, face);
    controls.apply(face, face);
    idle_motion.apply(i, face);
    result_sink = face[0];
  }
  return watch.processor_micros();
}

double run_retarget(int frames, const std::string& json) {
  RetargetMap map;
  const Status status = RetargetMap::load(json, &map);
  if (!status.ok()) fail(status.message);
  std::vector<float> weights(map.size());
  float face[kBlendshapeCount];
  const Stopwatch watch;
  for (int i = 0; i < frames; ++i) {
    set_weights(i, face);
    map.apply(face, weights.data(), map.size());
    result_sink = weights[0];
  }
  return watch.processor_micros();
}

}  // namespace

void measure_stages(const koemorph_model_config& config, const Recording& recording,
                    const std::string& map, Report* report) {
  std::shared_ptr<const Model> model;
  const Status status = Model::load(config, &model);
  if (!status.ok()) fail(status.message);
  const ModelSettings& settings = model->settings();
  const auto add = [&](const char* name, double micros) {
    report->add("\"stage_%s\": %.6f", name, micros * 1e-6 / recording.seconds());
  };
  const Stopwatch resampling;
  const std::vector<float> samples = resample_all(recording, settings.mel.clock.sample_rate);
  add("resample", resampling.processor_micros());
  const Stopwatch mel_time;
  const int frames = run_mel(settings.mel, samples);
  add("mel", mel_time.processor_micros());
  if (settings.use_egemaps) add("egemaps", run_egemaps(settings.egemaps, samples, report));
  add("model", run_model(model, frames));
  add("controls", run_controls(frames, settings.mel.clock.fps));
  add("retarget", run_retarget(frames, map));
}

}  // namespace koemorph::benchmark
