// The C API: validates arguments, catches exceptions, and converts errors to results and messages.
#include <algorithm>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <cstring>
#include <memory>

#include "api/api_support.h"
#include "face/blendshapes.h"

namespace {

using koemorph::check_channels;
using koemorph::check_format;
using koemorph::check_sample_rate;
using koemorph::concurrent_call;
using koemorph::copy_config;
using koemorph::fail;
using koemorph::finish;
using koemorph::guarded;
using koemorph::invalid;
using koemorph::ScopedEntry;
using koemorph::Status;
using koemorph::stream_flushed;
using koemorph::WorkerEntry;

constexpr int32_t kMinSampleRate = 8000;
constexpr int32_t kMaxSampleRate = 192000;
constexpr int32_t kMaxChannels = 64;

// A fixed buffer, because a failure on an audio or game thread must not allocate either. One byte
// more than is kept shows whether the message was cut inside a UTF-8 character.
constexpr size_t kMaxMessage = 1023;
thread_local char last_message[kMaxMessage + 2] = "";

koemorph_result store_message(koemorph_result result, const char* format, std::va_list arguments) {
  // The arguments may point into last_message.
  char text[sizeof last_message];
  std::vsnprintf(text, sizeof text, format, arguments);
  size_t length = std::strlen(text);
  if (length > kMaxMessage) {
    length = kMaxMessage;
    while (length > 0 && (text[length] & 0xC0) == 0x80) --length;
  }
  std::memcpy(last_message, text, length);
  last_message[length] = '\0';
  return result;
}

koemorph_result check(const koemorph_stream_config& config, int model_fps) {
  const koemorph_result format = check_format(config.sample_rate, config.channels, 1);
  if (format != KOEMORPH_OK) return format;
  if (config.fps != 0 && config.fps != model_fps) {
    return invalid(
        "fps mismatch: the model runs at %d fps, %d was requested. Set fps to 0, or load a model "
        "with that fps.",
        model_fps, config.fps);
  }
  if (!(config.buffer_seconds >= 0.05 && config.buffer_seconds <= 60.0)) {
    return invalid("buffer_seconds out of range: expected 0.05 to 60 s.");
  }
  if (!(config.history_seconds >= 0.2 && config.history_seconds <= 3600.0)) {
    return invalid("history_seconds out of range: expected 0.2 to 3600 s.");
  }
  return KOEMORPH_OK;
}

}  // namespace

koemorph_result koemorph::fail(koemorph_result result, const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  store_message(result, format, arguments);
  va_end(arguments);
  return result;
}

koemorph_result koemorph::invalid(const char* format, ...) {
  std::va_list arguments;
  va_start(arguments, format);
  store_message(KOEMORPH_INVALID_ARGUMENT, format, arguments);
  va_end(arguments);
  return KOEMORPH_INVALID_ARGUMENT;
}

koemorph_result koemorph::concurrent_call() {
  return fail(KOEMORPH_INVALID_STATE,
              "Concurrent call: another thread is in a call with the same thread tag of this "
              "object. Use one thread per tag.");
}

koemorph_result koemorph::check_sample_rate(int32_t rate) {
  if (rate >= kMinSampleRate && rate <= kMaxSampleRate) return KOEMORPH_OK;
  return invalid("sample_rate out of range: got %d Hz, expected %d to %d Hz.", rate, kMinSampleRate,
                 kMaxSampleRate);
}

koemorph_result koemorph::check_channels(int32_t channels, int32_t minimum) {
  if (channels >= minimum && channels <= kMaxChannels) return KOEMORPH_OK;
  return invalid("channels out of range: got %d, expected %d to %d.", channels, minimum,
                 kMaxChannels);
}

koemorph_result koemorph::check_format(int32_t sample_rate, int32_t channels,
                                       int32_t minimum_channels) {
  const koemorph_result result = check_sample_rate(sample_rate);
  return result == KOEMORPH_OK ? check_channels(channels, minimum_channels) : result;
}

koemorph_result koemorph::stream_flushed() {
  return fail(KOEMORPH_INVALID_STATE,
              "The stream was flushed and accepts no more audio. Call reset first.");
}

extern "C" {

#define KOEMORPH_TEXT_(x) #x
#define KOEMORPH_TEXT(x) KOEMORPH_TEXT_(x)

const char* koemorph_version(void) {
  return KOEMORPH_TEXT(KOEMORPH_VERSION_MAJOR) "." KOEMORPH_TEXT(
      KOEMORPH_VERSION_MINOR) "." KOEMORPH_TEXT(KOEMORPH_VERSION_PATCH);
}

const char* koemorph_result_text(koemorph_result result) {
  switch (result) {
    case KOEMORPH_OK:
      return "no error";
    case KOEMORPH_NO_FRAME:
      return "no frame yet";
    case KOEMORPH_BLOCK_REPLACED:
      return "block replaced by silence";
    case KOEMORPH_INVALID_ARGUMENT:
      return "invalid argument";
    case KOEMORPH_OUT_OF_MEMORY:
      return "out of memory";
    case KOEMORPH_FILE_ERROR:
      return "file cannot be read";
    case KOEMORPH_RUNTIME_MISSING:
      return "ONNX Runtime missing or too old";
    case KOEMORPH_INVALID_MODEL:
      return "not a model that KoeMorph can run";
    case KOEMORPH_INFERENCE_FAILED:
      return "running the model failed";
    case KOEMORPH_INVALID_STATE:
      return "call not allowed in this state";
    case KOEMORPH_RESULT_IS_INT:
      break;
  }
  return "unknown result";
}

const char* koemorph_error_message(void) { return last_message; }

const char* koemorph_blendshape_name(int32_t index) {
  if (index < 0 || index >= KOEMORPH_BLENDSHAPE_COUNT) return nullptr;
  return koemorph::kBlendshapeNames[index];
}

void koemorph_model_config_init(koemorph_model_config* config) {
  if (config == nullptr) return;
  *config = koemorph_model_config{};
  config->size = sizeof *config;
  config->threads = 1;
}

koemorph_result koemorph_model_load(const koemorph_model_config* config, koemorph_model** out) {
  if (out == nullptr) return invalid("koemorph_model_load: out is NULL.");
  koemorph_model_config full;
  koemorph_model_config_init(&full);
  if (!copy_config(config, &full)) {
    return invalid(
        "koemorph_model_load: config is NULL or its size is not set. Call "
        "koemorph_model_config_init.");
  }
  if (full.path == nullptr && (full.data == nullptr || full.data_size == 0)) {
    return invalid("koemorph_model_load: the config has neither path nor data and data_size.");
  }
  if (full.threads < 1 || full.threads > 256) {
    return invalid("threads out of range: got %d, expected 1 to 256.", full.threads);
  }
  return guarded([&] {
    auto made = std::make_unique<koemorph_model>();
    const Status status = koemorph::Model::load(full, &made->model);
    if (status.ok()) *out = made.release();
    return finish(status);
  });
}

void koemorph_model_destroy(koemorph_model* model) { delete model; }

const char* koemorph_model_metadata(const koemorph_model* model, const char* key) {
  if (model == nullptr) return nullptr;
  return key == nullptr ? model->model->metadata_keys() : model->model->metadata(key);
}

void koemorph_stream_config_init(koemorph_stream_config* config) {
  if (config == nullptr) return;
  *config = koemorph_stream_config{};
  config->size = sizeof *config;
  config->sample_rate = 48000;
  config->channels = 1;
  config->buffer_seconds = 0.5;
  config->history_seconds = 10.0;
}

koemorph_result koemorph_stream_create(const koemorph_model* model,
                                       const koemorph_stream_config* config,
                                       koemorph_stream** out) {
  if (model == nullptr || out == nullptr) {
    return invalid("koemorph_stream_create: model or out is NULL.");
  }
  koemorph_stream_config full;
  koemorph_stream_config_init(&full);
  if (!copy_config(config, &full)) {
    return invalid(
        "koemorph_stream_create: config is NULL or its size is not set. Call "
        "koemorph_stream_config_init.");
  }
  const koemorph_result checked = check(full, model->model->settings().mel.clock.fps);
  if (checked != KOEMORPH_OK) return checked;
  return guarded([&] {
    *out = new koemorph_stream(model->model, full);
    return KOEMORPH_OK;
  });
}

void koemorph_stream_destroy(koemorph_stream* stream) { delete stream; }

koemorph_result koemorph_stream_push(koemorph_stream* stream, const float* interleaved,
                                     int32_t sample_count) {
  if (stream == nullptr) return invalid("koemorph_stream_push: stream is NULL.");
  if (sample_count < 0 || (interleaved == nullptr && sample_count > 0)) {
    return invalid("koemorph_stream_push: interleaved is NULL or sample_count is negative (%d).",
                   sample_count);
  }
  const ScopedEntry entry(stream->stream.audio_guard());
  if (!entry) return concurrent_call();
  const koemorph_result result = stream->stream.push(interleaved, sample_count);
  return result == KOEMORPH_OK ? result : stream_flushed();
}

koemorph_result koemorph_stream_set_input_format(koemorph_stream* stream, int32_t sample_rate,
                                                 int32_t channels) {
  if (stream == nullptr) return invalid("koemorph_stream_set_input_format: stream is NULL.");
  const koemorph_result format = check_format(sample_rate, channels, 0);
  if (format != KOEMORPH_OK) return format;
  const ScopedEntry entry(stream->stream.audio_guard());
  if (!entry) return concurrent_call();
  if (stream->stream.flushed()) return stream_flushed();
  return guarded([&] {
    stream->stream.set_input_format(sample_rate, channels);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_flush(koemorph_stream* stream) {
  if (stream == nullptr) return invalid("koemorph_stream_flush: stream is NULL.");
  const ScopedEntry entry(stream->stream.audio_guard());
  if (!entry) return concurrent_call();
  stream->stream.flush();
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_process(koemorph_stream* stream) {
  if (stream == nullptr) return invalid("koemorph_stream_process: stream is NULL.");
  if (stream->stream.has_worker()) {
    return fail(KOEMORPH_INVALID_STATE,
                "koemorph_stream_process: the library's worker computes this stream. Set "
                "koemorph_stream_config.worker to 0 to call it.");
  }
  const ScopedEntry entry(stream->stream.worker_guard());
  if (!entry) return concurrent_call();
  return guarded([&] {
    int64_t computed = 0;
    const Status status = stream->stream.process(&computed);
    return status.ok() && computed == 0 ? KOEMORPH_NO_FRAME : finish(status);
  });
}

koemorph_result koemorph_stream_sample(koemorph_stream* stream, double playback_time,
                                       float* weights, int32_t count) {
  if (stream == nullptr || weights == nullptr || count < 0) {
    return invalid("koemorph_stream_sample: stream or weights is NULL, or count is negative (%d).",
                   count);
  }
  const ScopedEntry entry(stream->stream.game_guard());
  if (!entry) return concurrent_call();
  return stream->stream.sample(playback_time, weights, count) ? KOEMORPH_OK : KOEMORPH_NO_FRAME;
}

koemorph_result koemorph_stream_pull(koemorph_stream* stream, float* weights, int32_t count,
                                     double* time) {
  if (stream == nullptr || weights == nullptr || count < 0) {
    return invalid("koemorph_stream_pull: stream or weights is NULL, or count is negative (%d).",
                   count);
  }
  const ScopedEntry entry(stream->stream.game_guard());
  if (!entry) return concurrent_call();
  int64_t index = 0;
  if (!stream->stream.pull(weights, count, &index)) return KOEMORPH_NO_FRAME;
  if (time != nullptr) *time = static_cast<double>(index) / stream->stream.fps();
  return KOEMORPH_OK;
}

koemorph_result koemorph_stream_reset(koemorph_stream* stream, int32_t sample_rate,
                                      int32_t channels) {
  if (stream == nullptr) return invalid("koemorph_stream_reset: stream is NULL.");
  const koemorph_result rate = sample_rate == 0 ? KOEMORPH_OK : check_sample_rate(sample_rate);
  const koemorph_result format = rate == KOEMORPH_OK ? check_channels(channels, 0) : rate;
  if (format != KOEMORPH_OK) return format;
  const WorkerEntry worker(stream->stream);
  const ScopedEntry audio(stream->stream.audio_guard());
  const ScopedEntry game(stream->stream.game_guard());
  if (!worker || !audio || !game) return concurrent_call();
  return guarded([&] {
    stream->stream.reset(sample_rate, channels);
    return KOEMORPH_OK;
  });
}

koemorph_result koemorph_stream_get_info(const koemorph_stream* stream,
                                         koemorph_stream_info* info) {
  if (stream == nullptr) return invalid("koemorph_stream_get_info: stream is NULL.");
  koemorph_stream_info full{};
  stream->stream.get_info(&full);
  if (koemorph::write_info(full, info)) return KOEMORPH_OK;
  return invalid("koemorph_stream_get_info: info is NULL or info->size is not set.");
}

}  // extern "C"
