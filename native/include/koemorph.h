/* KoeMorph: speech in, the weights of ARKit's 52 blend shapes out.
 *
 *   koemorph_model_load(...)      once                         any thread
 *   koemorph_stream_create(...)   once per voice               any thread
 *   koemorph_stream_push(...)     every audio block            audio thread
 *   koemorph_stream_process(...)  whenever there is time       worker thread
 *   koemorph_stream_sample(...)   every rendered frame         game thread
 *
 * Threads. Each function has one of these tags:
 *   [any]     any thread, at any time. Functions that create or destroy an object must not run
 *             while another thread uses the same object.
 *   [audio]   the one thread that pushes audio into this stream: wait-free, no allocation, no lock.
 *   [worker]  the one thread that computes this stream. With koemorph_stream_config.worker the
 *             library runs this thread and the caller must not call these functions.
 *   [game]    the one thread that reads this stream: no allocation, no lock, no waiting.
 *
 * One thread may have all three roles. A second thread in the same role of the same object gets
 * KOEMORPH_INVALID_STATE; a data race is not possible.
 *
 * Errors. Functions that can fail return a koemorph_result; koemorph_error_message() returns the
 * message of the last failure on the calling thread. No exception, abort or exit leaves the
 * library. Output parameters are written only on success, unless stated otherwise.
 *
 * Versions. Each config struct starts with its size, so the library accepts the shorter structs of
 * older callers. The _init and _from_preset functions fill the structs of the library's own
 * version. Before 1.0 a minor version may make these structs longer: a program that loads the
 * library at run time must first compare koemorph_version() with KOEMORPH_VERSION_MAJOR and _MINOR,
 * as the engine plugins do. For linked programs the SONAME ensures this.
 *
 * Time. Stream time starts at 0 with the first pushed sample and is counted in samples, so it never
 * drifts. Frame k is the set of weights at exactly k / fps seconds.
 *
 * Blend shape weights. 52 floats in [0, 1], in the order of Live Link Face
 * (koemorph_blendshape_name).
 */
#ifndef KOEMORPH_H
#define KOEMORPH_H

#include <stdint.h>

/* Not KOEMORPH_API: Unreal defines that itself, for its module of this name. */
#if defined(KOEMORPH_STATIC)
#define KOEMORPH_C_API
#elif defined(_WIN32)
#if defined(KOEMORPH_BUILDING)
#define KOEMORPH_C_API __declspec(dllexport)
#else
#define KOEMORPH_C_API __declspec(dllimport)
#endif
#else
#define KOEMORPH_C_API __attribute__((visibility("default")))
#endif

#ifdef __cplusplus
extern "C" {
#endif

#define KOEMORPH_VERSION_MAJOR 0
#define KOEMORPH_VERSION_MINOR 1
#define KOEMORPH_VERSION_PATCH 0

#define KOEMORPH_BLENDSHAPE_COUNT 52

typedef enum koemorph_result {
  KOEMORPH_OK = 0,
  KOEMORPH_NO_FRAME = 1,          /* not an error: no frame is available yet */
  KOEMORPH_BLOCK_REPLACED = 2,    /* not an error: a player replaced the block by silence */
  KOEMORPH_INVALID_ARGUMENT = -1, /* a pointer is NULL or a number is out of range */
  KOEMORPH_OUT_OF_MEMORY = -2,
  KOEMORPH_FILE_ERROR = -3,           /* a file is missing or cannot be read */
  KOEMORPH_RUNTIME_MISSING = -4,      /* the model needs ONNX Runtime, see onnxruntime_path */
  KOEMORPH_INVALID_MODEL = -5,        /* not a KoeMorph model, or one this version cannot run */
  KOEMORPH_INFERENCE_FAILED = -6,     /* running the model failed */
  KOEMORPH_INVALID_STATE = -7,        /* the call is not allowed now, e.g. process() with a library
                                         worker, or another thread is in a call with the same tag */
  KOEMORPH_RESULT_IS_INT = 0x7fffffff /* never returned; makes every int a valid value */
} koemorph_result;

/* An immutable model, shared by any number of streams on any threads. */
typedef struct koemorph_model koemorph_model;
/* The animation of one voice. */
typedef struct koemorph_stream koemorph_stream;
/* Many streams that are computed with shared inference calls. */
typedef struct koemorph_stream_batch koemorph_stream_batch;
/* A stream that is kept in sync with an audio source of an engine. */
typedef struct koemorph_player koemorph_player;
/* An immutable map from the 52 blend shapes to the shapes of a rig. */
typedef struct koemorph_retarget_map koemorph_retarget_map;

/* ---- library ------------------------------------------------------------------------------------
 */

/* [any] The library's version, "major.minor.patch". Never NULL. */
KOEMORPH_C_API const char* koemorph_version(void);

/* [any] A short description of a result; never NULL, also for unknown values. */
KOEMORPH_C_API const char* koemorph_result_text(koemorph_result result);

/* [any] The message of the last failure on this thread, "" if there was none; valid until the next
 * failing call on this thread. */
KOEMORPH_C_API const char* koemorph_error_message(void);

/* [any] Apple's name of blend shape `index` ("eyeBlinkLeft" is 0); NULL when `index` is not in
 * 0..51. */
KOEMORPH_C_API const char* koemorph_blendshape_name(int32_t index);

/* ---- model --------------------------------------------------------------------------------------
 */

typedef struct koemorph_model_config {
  uint32_t size;                /* set by koemorph_model_config_init */
  const char* path;             /* UTF-8 path of the .onnx file; or NULL and: */
  const void* data;             /* the contents of the file, copied during the call */
  uint64_t data_size;           /* bytes */
  const char* onnxruntime_path; /* UTF-8 path of the ONNX Runtime library, for models with operators
                                   that the built-in inference lacks; NULL (default): none */
  int32_t threads;              /* threads of one inference of ONNX Runtime, 1 by default; the
                                   built-in inference uses the caller's thread */
} koemorph_model_config;

/* [any] Sets the defaults. NULL is ignored. */
KOEMORPH_C_API void koemorph_model_config_init(koemorph_model_config* config);

/* [any] Loads and validates a model. Blocks (file access, session creation): call it while loading
 * a scene. The caller owns *out and must call koemorph_model_destroy. Streams hold a reference, so
 * a model may be destroyed before its streams. */
KOEMORPH_C_API koemorph_result koemorph_model_load(const koemorph_model_config* config,
                                                   koemorph_model** out);

/* [any] NULL is ignored. */
KOEMORPH_C_API void koemorph_model_destroy(koemorph_model* model);

/* [any] The value of a metadata key ("fps", "license", ...); NULL when the model has no such key.
 * With key == NULL: the names of all keys, one per line. Valid as long as the model. */
KOEMORPH_C_API const char* koemorph_model_metadata(const koemorph_model* model, const char* key);

/* ---- stream -------------------------------------------------------------------------------------
 */

typedef struct koemorph_stream_config {
  uint32_t size;          /* set by koemorph_stream_config_init */
  int32_t sample_rate;    /* Hz of the pushed audio, 8000..192000; default 48000 */
  int32_t channels;       /* interleaved, 1..64, mixed down to their mean; default 1 */
  int32_t fps;            /* frames per second; 0 (default) or the fps of the model */
  int32_t worker;         /* 1: the library computes on its own thread; 0 (default): the caller
                             calls koemorph_stream_process */
  double buffer_seconds;  /* capacity of the audio buffer between push and process; default 0.5 */
  double history_seconds; /* frames kept for sample and pull; default 10.0 */
} koemorph_stream_config;

typedef struct koemorph_stream_info {
  uint32_t size;           /* set by the caller to sizeof(koemorph_stream_info) */
  int32_t fps;             /* frames per second */
  double latency;          /* s: frame k needs audio up to k / fps + latency */
  int64_t pushed_samples;  /* samples per channel accepted by push, including dropped ones */
  int64_t dropped_samples; /* samples per channel overwritten before process read them; they count
                              as time */
  int64_t frame_count;     /* frames computed so far; the index of the next frame */
  int64_t skipped_frames;  /* frames overwritten before pull returned them */
} koemorph_stream_info;

/* [any] Sets the defaults. NULL is ignored. */
KOEMORPH_C_API void koemorph_stream_config_init(koemorph_stream_config* config);

/* [any] Allocates all memory of the stream. The tensors of the network belong to the model: as many
 * sets as calls of koemorph_stream_process run at once. The caller owns *out and must call
 * koemorph_stream_destroy. */
KOEMORPH_C_API koemorph_result koemorph_stream_create(const koemorph_model* model,
                                                      const koemorph_stream_config* config,
                                                      koemorph_stream** out);

/* [any] Stops the library's worker, if there is one, and frees the stream. NULL is ignored. */
KOEMORPH_C_API void koemorph_stream_destroy(koemorph_stream* stream);

/* [audio] Adds `sample_count` samples per channel of interleaved audio in [-1, 1]. In each channel
 * NaN and infinity are replaced by silence and values beyond +-100 are clamped. When process is too
 * slow, the oldest audio is overwritten and counted in dropped_samples. */
KOEMORPH_C_API koemorph_result koemorph_stream_push(koemorph_stream* stream,
                                                    const float* interleaved, int32_t sample_count);

/* [audio] Sets the input format from the next push on: `sample_rate` (8000..192000 Hz) and
 * `channels` (0: unchanged). Stream time and the state of the model continue without a gap.
 * Allocates and locks: call it where the audio device is opened, not in its callback. Updates
 * `latency` in koemorph_stream_info; the size of the audio buffer in samples does not change.
 * KOEMORPH_INVALID_STATE after flush. */
KOEMORPH_C_API koemorph_result koemorph_stream_set_input_format(koemorph_stream* stream,
                                                                int32_t sample_rate,
                                                                int32_t channels);

/* [audio] Marks the end of the audio: process then computes the frames that still lack lookahead as
 * if silence followed, up to round(duration * fps) frames in total. A model without lookahead has
 * computed all frames that the audio reached by then, which may be one more. Call reset before the
 * next push. */
KOEMORPH_C_API koemorph_result koemorph_stream_flush(koemorph_stream* stream);

/* [worker] Computes all frames whose audio has arrived. KOEMORPH_NO_FRAME when there were none. */
KOEMORPH_C_API koemorph_result koemorph_stream_process(koemorph_stream* stream);

/* [game] Returns the weights at `playback_time` seconds of stream time, interpolated between the
 * two nearest frames. Times after the last frame or before the oldest stored frame, including
 * infinity, return the nearest frame. Writes min(count, 52) weights. KOEMORPH_NO_FRAME (and weights
 * of 0) when no frame is available yet, and for NaN. */
KOEMORPH_C_API koemorph_result koemorph_stream_sample(koemorph_stream* stream, double playback_time,
                                                      float* weights, int32_t count);

/* [game] Returns the next computed frame in order, each once. Writes min(count, 52) weights and,
 * unless `time` is NULL, the time of the frame in seconds. KOEMORPH_NO_FRAME when there is no
 * further frame yet. */
KOEMORPH_C_API koemorph_result koemorph_stream_pull(koemorph_stream* stream, float* weights,
                                                    int32_t count, double* time);

/* [worker] Resets the stream to its initial state at time 0. Call it while no other call on the
 * stream runs; the library's own worker is waited for. `sample_rate` and `channels` of 0 stay
 * unchanged. */
KOEMORPH_C_API koemorph_result koemorph_stream_reset(koemorph_stream* stream, int32_t sample_rate,
                                                     int32_t channels);

/* [any] Writes a snapshot; info->size must be set. */
KOEMORPH_C_API koemorph_result koemorph_stream_get_info(const koemorph_stream* stream,
                                                        koemorph_stream_info* info);

/* ---- controls -----------------------------------------------------------------------------------
 */

/* Settings of one stream. Changes are interpolated over transition_seconds, so nothing jumps.
 * Ranges are checked by koemorph_stream_set_controls. koemorph_control_info lists the same fields
 * with unit, range, default and description. */
typedef struct koemorph_controls {
  uint32_t size; /* set by koemorph_controls_init */
  /* Audio, before feature extraction. */
  float input_strength;   /* linear gain, 0..10; default 1 */
  int32_t gate;           /* 1: noise gate on; 0 (default): off */
  float gate_margin;      /* dB above the tracked noise floor at which the gate opens, 1..40; 9 */
  float gate_hold;        /* s that the gate stays open after speech, 0..5; 0.25 */
  float gate_ceiling;     /* dBFS, upper limit of the noise floor estimate, -90..0; -45 */
  int32_t auto_gain;      /* 1: automatic gain towards auto_gain_target; 0 (default): off */
  float auto_gain_target; /* dBFS, RMS level of speech, -60..0; -23 */
  float auto_gain_limit;  /* dB, largest gain change up or down, 0..40; 12 */
  /* Weights, after the model. Upper face: eyes, brows, cheek squint; lower face: the rest. */
  float upper_strength;     /* factor, 0..4; 1 */
  float lower_strength;     /* factor, 0..4; 1 */
  float upper_smoothing;    /* s, time constant of additional smoothing, 0..2; 0 */
  float lower_smoothing;    /* s, 0..2; 0 */
  float symmetry;           /* 0 (default): as predicted .. 1: left and right equal */
  float lip_close_offset;   /* -1..1; 0. Above 0 closes the lips, below 0 parts them */
  float eyelid_offset;      /* -1..1; 0. Above 0 opens the eyes wider, below 0 closes them */
  float transition_seconds; /* s over which a change of the controls takes effect, 0..10; 0.2 */
  float multiplier[KOEMORPH_BLENDSHAPE_COUNT]; /* -10..10; 1 */
  float offset[KOEMORPH_BLENDSHAPE_COUNT];     /* added after the multiplier, -1..1; 0 */
  float minimum[KOEMORPH_BLENDSHAPE_COUNT];  /* lower limit after multiplier and offset, 0..1; 0 */
  float maximum[KOEMORPH_BLENDSHAPE_COUNT];  /* upper limit, 0..1, not below minimum; 1 */
  uint8_t active[KOEMORPH_BLENDSHAPE_COUNT]; /* 0: the weight stays 0; 1 (default) */
  uint8_t cancel_group[KOEMORPH_BLENDSHAPE_COUNT]; /* blend shapes of the same group (1..255)
                                                      exclude each other: the strongest keeps the
                                                      difference to the second, the others get 0; 0
                                                      (default): no group */
  /* Idle motion: movement that does not come from speech. Strengths 0..2. It yields to movement
     predicted by the model, respects `maximum` and skips inactive blend shapes. */
  float blink;             /* 1 */
  float blinks_per_minute; /* mean rate, 0..120; 20 */
  float saccades;          /* 0 */
  float brow_accents;      /* 0 */
  float idle;              /* slow drift of brows, eyelids and mouth corners; 0 */
  uint32_t seed; /* the same seed and audio give the same idle motion; read before the first frame
                    and at a reset; 0 */
} koemorph_controls;

typedef enum koemorph_control_type {
  KOEMORPH_CONTROL_NUMBER = 0,  /* float */
  KOEMORPH_CONTROL_SWITCH = 1,  /* int32_t, or uint8_t per blend shape; 0: off, other values: on */
  KOEMORPH_CONTROL_INTEGER = 2, /* uint32_t, or uint8_t per blend shape */
  KOEMORPH_CONTROL_TYPE_IS_INT = 0x7fffffff /* no type; makes every int a valid value */
} koemorph_control_type;

/* Description of one field of koemorph_controls, e.g. for a user interface. */
typedef struct koemorph_control_info {
  uint32_t size; /* set by the caller to sizeof(koemorph_control_info) */
  koemorph_control_type type;
  int32_t per_blendshape; /* 1: an array with one value per blend shape; 0: one value */
  uint32_t offset;        /* of the field in koemorph_controls, bytes */
  double minimum, maximum;
  double default_value;
  const char* name;        /* of the field; never NULL, as the next two; valid forever */
  const char* unit;        /* "s", "dB", "dBFS", "1/min"; "" for plain numbers */
  const char* description; /* one sentence in English */
} koemorph_control_info;

/* [any] Number of controls. */
KOEMORPH_C_API int32_t koemorph_control_count(void);

/* [any] Describes control `index`, 0 <= index < koemorph_control_count(), in the order of
 * koemorph_controls; info->size must be set. */
KOEMORPH_C_API koemorph_result koemorph_control_get_info(int32_t index,
                                                         koemorph_control_info* info);

/* [any] Sets the defaults. NULL is ignored. */
KOEMORPH_C_API void koemorph_controls_init(koemorph_controls* controls);

/* [any] Sets the defaults and then the values of a preset (JSON, UTF-8, `size` bytes; the package
 * contains examples in `presets`). KOEMORPH_INVALID_ARGUMENT with line and column of an error. */
KOEMORPH_C_API koemorph_result koemorph_controls_from_preset(const char* json, uint64_t size,
                                                             koemorph_controls* out);

/* [game] Applies new controls from the next computed frame on. Controls set before the first frame
 * apply at once; later changes are interpolated over transition_seconds. */
KOEMORPH_C_API koemorph_result koemorph_stream_set_controls(koemorph_stream* stream,
                                                            const koemorph_controls* controls);

/* [game] Fades the weights returned by sample and pull to 0, from `playback_time` on, over
 * `seconds`. The computation continues. To pause, keep sampling the same time instead; to seek
 * back, sample any time within the last history_seconds. */
KOEMORPH_C_API koemorph_result koemorph_stream_fade_out(koemorph_stream* stream,
                                                        double playback_time, double seconds);

/* [game] Fades the weights back in from `playback_time` on, over `seconds`. Each fade replaces all
 * fades with a later start time; the last 16 fades are kept for sampling past times. */
KOEMORPH_C_API koemorph_result koemorph_stream_fade_in(koemorph_stream* stream,
                                                       double playback_time, double seconds);

/* ---- stream batch -------------------------------------------------------------------------------
 */

/* [any] Creates a batch that computes up to `capacity` (1..1024) streams of this model together.
 * The caller owns *out and must call koemorph_stream_batch_destroy. */
KOEMORPH_C_API koemorph_result koemorph_stream_batch_create(const koemorph_model* model,
                                                            int32_t capacity,
                                                            koemorph_stream_batch** out);

/* [any] Does not destroy the streams. NULL is ignored. */
KOEMORPH_C_API void koemorph_stream_batch_destroy(koemorph_stream_batch* batch);

/* [worker] Equivalent to koemorph_stream_process for each of `count` <= capacity streams, but
 * frames that are due together are computed in one inference call, with input tensors that the
 * streams share. The streams may differ between calls. Each must use the model of the batch, have
 * no library worker and occur once. KOEMORPH_NO_FRAME when no stream had a frame to compute. */
KOEMORPH_C_API koemorph_result koemorph_stream_batch_process(koemorph_stream_batch* batch,
                                                             koemorph_stream* const* streams,
                                                             int32_t count);

/* ---- player -------------------------------------------------------------------------------------
 *
 * A player keeps a stream in sync with an audio source that starts, stops, pauses, seeks and
 * drifts. The audio thread feeds blocks as they come; the game thread calls update and sample once
 * per rendered frame. `now` is one monotonic clock for all calls on a player, in seconds, e.g. the
 * engine's time.
 *
 *   start    The weights continue from those displayed last, at most 0.05 per frame at 60 fps.
 *   stop     0.15 s without a block, or koemorph_player_stop. The weights fade to 0 within 0.2 s;
 *            silence is pushed, so stream time continues. Idle motion fades in 1 s later. A source
 *            that feeds zeros has not stopped: the mouth closes as the model predicts.
 *   pause    No time passes, and nothing is pushed.
 *   formats  A block in a new sample rate or channel count is replaced by silence of its duration;
 *            the next update applies the format.
 *   drift    The playback time follows the fed audio within a few ms and advances evenly. After an
 *            error of more than 0.25 s (a stall) it jumps, and the weights are blended.
 */

typedef struct koemorph_player_config {
  uint32_t size;       /* set by koemorph_player_config_init */
  int32_t sample_rate; /* Hz of the fed audio, 8000..192000; 0 (default): that of the first block */
  int32_t channels;    /* interleaved, 1..64; default 1; of the first block, if sample_rate is 0 */
  int32_t worker;      /* 1 (default): the library computes on its own thread; 0: the caller calls
                          koemorph_stream_process or koemorph_stream_batch_process with the
                          stream of the player */
} koemorph_player_config;

typedef struct koemorph_player_state {
  uint32_t size;        /* set by the caller to sizeof(koemorph_player_state) */
  int32_t speaking;     /* 1: the source delivers audio, or its clip is audible */
  int32_t paused;       /* 1: the last update passed no time */
  int32_t sample_rate;  /* Hz of the accepted audio; 0 before the first format */
  int32_t channels;     /* of the accepted audio */
  double playback_time; /* s of stream time that is displayed; may be negative at the start */
  double latency;       /* s between feeding audio and displaying it */
  double end_time;      /* s of stream time of the end of the fed audio, including silence */
} koemorph_player_state;

typedef enum koemorph_pause {
  KOEMORPH_PAUSE_NONE = 0, /* the game runs */
  KOEMORPH_PAUSE_ALL = 1,  /* the game and the audio of this player are paused */
  KOEMORPH_PAUSE_GAME = 2, /* the game is paused; its audio is followed as long as it arrives */
  KOEMORPH_PAUSE_IS_INT = 0x7fffffff /* no pause; makes every int a valid value */
} koemorph_pause;

/* The source of a clip, for koemorph_player_follow_clip. */
typedef struct koemorph_clip_state {
  uint32_t size;        /* set by the caller to sizeof(koemorph_clip_state) */
  int32_t playing;      /* 1: the source plays, or is scheduled for later */
  int32_t loop;         /* 1: the clip repeats */
  int64_t position;     /* sample that the mixer reads next; may advance in steps of a block */
  int64_t sample_count; /* length of the clip, samples per channel */
  double speed;         /* seconds of the clip per second; 1.0 */
} koemorph_clip_state;

/* [any] Sets the defaults. NULL is ignored. */
KOEMORPH_C_API void koemorph_player_config_init(koemorph_player_config* config);

/* [any] The caller owns *out and must call koemorph_player_destroy. */
KOEMORPH_C_API koemorph_result koemorph_player_create(const koemorph_model* model,
                                                      const koemorph_player_config* config,
                                                      koemorph_player** out);

/* [any] NULL is ignored. */
KOEMORPH_C_API void koemorph_player_destroy(koemorph_player* player);

/* [any] The stream of the player, NULL with NULL; valid as long as the player. For
 * koemorph_stream_process, koemorph_stream_batch_process and koemorph_stream_get_info. */
KOEMORPH_C_API koemorph_stream* koemorph_player_stream(koemorph_player* player);

/* [audio] Adds `sample_count` samples per channel of interleaved audio in [-1, 1], which the source
 * delivered at `now`. Wait-free, no allocation. An empty block is ignored. KOEMORPH_BLOCK_REPLACED
 * when the format is new, or while the game thread pushes silence. update reports a format that is
 * out of range. */
KOEMORPH_C_API koemorph_result koemorph_player_feed(koemorph_player* player,
                                                    const float* interleaved, int32_t sample_count,
                                                    int32_t sample_rate, int32_t channels,
                                                    double now);

/* [game] Sets the format of the following blocks without replacing one of them, where the engine
 * reports a new device. Allocates, and waits for a feed in progress. */
KOEMORPH_C_API koemorph_result koemorph_player_set_input_format(koemorph_player* player,
                                                                int32_t sample_rate,
                                                                int32_t channels, double now);

/* [game] Advances the playback time to `now`. Applies a new format (the only case in which it
 * allocates) and pushes silence for a source that has stopped. */
KOEMORPH_C_API koemorph_result koemorph_player_update(koemorph_player* player, double now,
                                                      koemorph_pause pause);

/* [game] Instead of update, for a clip that is read ahead of its playback, so that the model adds
 * no latency. Follows seeks, loops and scheduled starts. Call koemorph_player_next_read afterwards.
 * Needs the sample rate of the clip in the config or by koemorph_player_set_input_format. */
KOEMORPH_C_API koemorph_result koemorph_player_follow_clip(koemorph_player* player,
                                                           const koemorph_clip_state* clip,
                                                           double now, koemorph_pause pause);

/* [game] The samples of the clip to feed now: *count samples from *position. Call it and feed them
 * until *count is 0. Pushes silence at the end of the clip. */
KOEMORPH_C_API koemorph_result koemorph_player_next_read(koemorph_player* player, int64_t* position,
                                                         int32_t* count);

/* [game] Returns the weights at the playback time of the last update. Writes min(count, 52)
 * weights. KOEMORPH_NO_FRAME (and weights of 0) when no frame is available yet. */
KOEMORPH_C_API koemorph_result koemorph_player_sample(koemorph_player* player, float* weights,
                                                      int32_t count);

/* [game] Writes a snapshot; state->size must be set. */
KOEMORPH_C_API koemorph_result koemorph_player_get_state(koemorph_player* player,
                                                         koemorph_player_state* state);

/* [game] Sets when fed audio is displayed. output_latency: seconds between feeding a sample and the
 * loudspeaker; negative (default): as early as frames exist, without steps. delay: seconds added to
 * it, -1..1; 0 (default). */
KOEMORPH_C_API koemorph_result koemorph_player_set_latency(koemorph_player* player,
                                                           double output_latency, double delay);

/* [game] The same as koemorph_stream_set_controls. */
KOEMORPH_C_API koemorph_result koemorph_player_set_controls(koemorph_player* player,
                                                            const koemorph_controls* controls);

/* [game] Fades the weights to 0 over `seconds`. They stay 0 until koemorph_player_fade_in,
 * regardless of the audio. */
KOEMORPH_C_API koemorph_result koemorph_player_fade_out(koemorph_player* player, double seconds);

/* [game] Reverts koemorph_player_fade_out over `seconds`. */
KOEMORPH_C_API koemorph_result koemorph_player_fade_in(koemorph_player* player, double seconds);

/* [game] The source has stopped: the next update fades out without waiting for 0.15 s. The next
 * block starts it again. */
KOEMORPH_C_API koemorph_result koemorph_player_stop(koemorph_player* player);

/* [game] Resets the player to its initial state at time 0; format, latency and controls stay. Call
 * it while no other call on the player runs; the library's own worker is waited for. */
KOEMORPH_C_API koemorph_result koemorph_player_reset(koemorph_player* player);

/* ---- retarget map -------------------------------------------------------------------------------
 */

/* [any] Reads a retarget map (JSON, UTF-8, `size` bytes; the package contains maps of common rigs
 * in `maps`). rig_names: the shape names of the rig; the output then has their order, and shapes
 * that the map does not drive stay 0. Names match regardless of case, separators and side suffix.
 * NULL: the output has the order of the map. KOEMORPH_INVALID_ARGUMENT with line and column of an
 * error. The caller owns *out and must call koemorph_retarget_map_destroy. */
KOEMORPH_C_API koemorph_result koemorph_retarget_map_load(const char* json, uint64_t size,
                                                          const char* const* rig_names,
                                                          int32_t rig_count,
                                                          koemorph_retarget_map** out);

/* [any] NULL is ignored. */
KOEMORPH_C_API void koemorph_retarget_map_destroy(koemorph_retarget_map* map);

/* [any] Number of output weights; 0 with NULL. */
KOEMORPH_C_API int32_t koemorph_retarget_map_count(const koemorph_retarget_map* map);

/* [any] Name of output `index`, NULL when it does not exist; valid as long as the map. */
KOEMORPH_C_API const char* koemorph_retarget_map_name(const koemorph_retarget_map* map,
                                                      int32_t index);

/* [any] 1 when the map drives output `index`, 0 when that shape of the rig matches no target. */
KOEMORPH_C_API int32_t koemorph_retarget_map_is_driven(const koemorph_retarget_map* map,
                                                       int32_t index);

/* [any] Converts 52 blend shape weights, as returned by sample and pull, to the first `count`
 * weights of the rig (at most koemorph_retarget_map_count). No allocation, no lock; any number of
 * threads may use one map. */
KOEMORPH_C_API koemorph_result koemorph_retarget_map_apply(const koemorph_retarget_map* map,
                                                           const float* blendshapes, float* weights,
                                                           int32_t count);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* KOEMORPH_H */
