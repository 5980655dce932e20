/* KoeMorph: speech in, ARKit's 52 blendshape weights out.
 *
 *   koemorph_model_load(...)      once                         any thread
 *   koemorph_stream_create(...)   once a voice                 any thread
 *   koemorph_stream_push(...)     every audio block            audio thread
 *   koemorph_stream_process(...)  whenever there is time       worker thread
 *   koemorph_stream_sample(...)   every rendered frame         game thread
 *
 * Threads. Each function carries one of these tags:
 *   [any]     any thread, at any time; functions that create or destroy must not run while another
 *             thread still uses the same object.
 *   [audio]   the one thread that feeds this stream: wait-free, never allocates, never locks.
 *   [worker]  the one thread that computes this stream. With koemorph_stream_config.worker the
 *             library runs it and the caller must not.
 *   [game]    the one thread that reads this stream: never allocates, never locks, never waits.
 *
 * The three may be one and the same thread.
 * A second thread at the same place of the same object gets KOEMORPH_INVALID_STATE, never a race.
 *
 * Errors. Functions that can fail return a koemorph_result; koemorph_error_message() holds the
 * sentence for the last failure on the calling thread. No exception, abort or exit leaves the
 * library. Output parameters are written only on success, unless a function says otherwise.
 *
 * Versions. Each config struct begins with its size, so the library takes the shorter ones of older
 * callers. Its _init and _from_preset functions fill the structs of its own version, which up
 * to 1.0 a minor version may make longer: who loads it at run time first compares
 * koemorph_version() with KOEMORPH_VERSION_MAJOR and _MINOR, as the engine plugins do; a linker's
 * SONAME sees to it.
 *
 * Time. Stream time starts at 0 with the first pushed sample and is counted in samples, so it never
 * drifts. Frame k is the face at exactly k / fps seconds.
 *
 * Blendshapes. 52 floats in [0, 1], in the order of Live Link Face (koemorph_blendshape_name).
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
  KOEMORPH_NO_FRAME = 1,          /* not an error: there is no frame to give yet */
  KOEMORPH_INVALID_ARGUMENT = -1, /* a pointer is NULL or a number makes no sense */
  KOEMORPH_OUT_OF_MEMORY = -2,
  KOEMORPH_FILE_ERROR = -3,       /* a file is missing or cannot be read */
  KOEMORPH_RUNTIME_MISSING = -4,  /* ONNX Runtime was not found, or is too old */
  KOEMORPH_INVALID_MODEL = -5,    /* not a KoeMorph model, or one this version cannot run */
  KOEMORPH_INFERENCE_FAILED = -6, /* ONNX Runtime reported an error while running the model */
  KOEMORPH_INVALID_STATE = -7, /* the call does not fit now, e.g. process() beside a library worker,
                                or another thread is inside a call with the same tag */
  KOEMORPH_RESULT_IS_INT = 0x7fffffff /* never returned; makes every int a valid value */
} koemorph_result;

/* The stages of the pipeline, in the order the data takes; see koemorph_stream_tap. */
typedef enum koemorph_stage {
  KOEMORPH_STAGE_AUDIO = 0,
  KOEMORPH_STAGE_RESAMPLE = 1,
  KOEMORPH_STAGE_MEL = 2,
  KOEMORPH_STAGE_EGEMAPS = 3,
  KOEMORPH_STAGE_WINDOW = 4,
  KOEMORPH_STAGE_MODEL = 5,
  KOEMORPH_STAGE_SMOOTH = 6,
  KOEMORPH_STAGE_RETARGET = 7,
  KOEMORPH_STAGE_IS_INT = 0x7fffffff /* no stage; makes every int a valid value */
} koemorph_stage;

/* An immutable model, shared by any number of streams on any threads. */
typedef struct koemorph_model koemorph_model;
/* One voice being animated. */
typedef struct koemorph_stream koemorph_stream;
/* Many streams that run through one inference. */
typedef struct koemorph_stream_batch koemorph_stream_batch;
/* An immutable map from the 52 blendshapes to a rig's own shapes. */
typedef struct koemorph_retarget_map koemorph_retarget_map;

/* ---- library ------------------------------------------------------------------------------------
 */

/* [any] The library's version, "major.minor.patch". Never NULL. */
KOEMORPH_C_API const char* koemorph_version(void);

/* [any] A few words for a result; never NULL, also for unknown values. */
KOEMORPH_C_API const char* koemorph_result_text(koemorph_result result);

/* [any] The sentence for the last failure on this thread, "" if none; valid until this thread's
 * next failing call. */
KOEMORPH_C_API const char* koemorph_error_message(void);

/* [any] Apple's name of blendshape `index` ("eyeBlinkLeft" is 0), NULL when it is not in 0..51. */
KOEMORPH_C_API const char* koemorph_blendshape_name(int32_t index);

/* ---- model --------------------------------------------------------------------------------------
 */

typedef struct koemorph_model_config {
  uint32_t size;                /* set by koemorph_model_config_init */
  const char* path;             /* UTF-8 path of the .onnx file; or NULL and: */
  const void* data;             /* the file's bytes, copied during the call */
  uint64_t data_size;           /* bytes */
  const char* onnxruntime_path; /* UTF-8 path of ONNX Runtime's library; NULL: search beside this
                                   library, then the system's library path */
  int32_t threads;              /* threads inside one inference; 1 (default) is best for games */
} koemorph_model_config;

/* [any] Fills in the defaults. Does nothing with NULL. */
KOEMORPH_C_API void koemorph_model_config_init(koemorph_model_config* config);

/* [any] Loads and checks a model. Blocks (file access, session creation): call it while loading a
 * scene. On success *out belongs to the caller, who ends it with koemorph_model_destroy; streams
 * keep what they need, so a model may be destroyed before its streams. */
KOEMORPH_C_API koemorph_result koemorph_model_load(const koemorph_model_config* config,
                                                   koemorph_model** out);

/* [any] Does nothing with NULL. */
KOEMORPH_C_API void koemorph_model_destroy(koemorph_model* model);

/* [any] The text of a metadata key ("fps", "license", ...), or NULL when the model has no such key;
 * with a NULL key, the names of all keys, one a line. Valid as long as the model. */
KOEMORPH_C_API const char* koemorph_model_metadata(const koemorph_model* model, const char* key);

/* ---- stream -------------------------------------------------------------------------------------
 */

typedef struct koemorph_stream_config {
  uint32_t size;       /* set by koemorph_stream_config_init */
  int32_t sample_rate; /* Hz, 8000..192000, of what is pushed; default 48000 */
  int32_t channels;    /* interleaved, 1..64; they are averaged; default 1 */
  int32_t fps;         /* frames a second; 0 (default): the model's. Another number is refused. */
  int32_t worker; /* 1: the library computes on a thread of its own; 0 (default): the caller calls
                     koemorph_stream_process */
  double buffer_seconds; /* audio held between push and process; default 0.5 */
  double history_seconds;   /* frames held for sample and pull; default 10.0 */
} koemorph_stream_config;

typedef struct koemorph_stream_info {
  uint32_t size;           /* set by the caller to sizeof(koemorph_stream_info) */
  int32_t fps;             /* frames a second */
  double latency;          /* s: frame k needs audio up to k / fps + latency */
  int64_t pushed_samples;  /* sample frames taken by push, dropped ones included */
  int64_t dropped_samples; /* sample frames overwritten before process came; they count as time */
  int64_t frames;          /* frames there have been so far, and so the index of the next one */
  int64_t skipped_frames;  /* frames overwritten before pull came */
} koemorph_stream_info;

/* [any] Fills in the defaults. Does nothing with NULL. */
KOEMORPH_C_API void koemorph_stream_config_init(koemorph_stream_config* config);

/* [any] Allocates all the memory the stream will ever use but the network's inputs: those come with
 * the first koemorph_stream_process, so that a stream of a batch does without. *out belongs to the
 * caller, who ends it with koemorph_stream_destroy. */
KOEMORPH_C_API koemorph_result koemorph_stream_create(const koemorph_model* model,
                                                      const koemorph_stream_config* config,
                                                      koemorph_stream** out);

/* [any] Stops the library's worker, if any, and frees the stream. Does nothing with NULL. */
KOEMORPH_C_API void koemorph_stream_destroy(koemorph_stream* stream);

/* [audio] Hands over `frames` sample frames of interleaved audio in [-1, 1]. In each channel NaN
 * and Inf become silence, and what is beyond 100 is limited to it. When process is too slow the
 * oldest audio is overwritten, and counted in dropped_samples. */
KOEMORPH_C_API koemorph_result koemorph_stream_push(koemorph_stream* stream,
                                                    const float* interleaved, int32_t frames);

/* [audio] From the next push on another device feeds this stream, at `sample_rate` (8000..192000
 * Hz) with `channels` (0: as many as before): the voice and its time go on, and nothing is
 * forgotten. Allocates and locks, so call it where the device is opened, not in its callback.
 * latency in koemorph_stream_info becomes the new one; buffer_seconds was turned into samples at
 * the first rate. KOEMORPH_INVALID_STATE after flush. */
KOEMORPH_C_API koemorph_result koemorph_stream_set_input_format(koemorph_stream* stream,
                                                          int32_t sample_rate, int32_t channels);

/* [audio] Says that the voice ends here: process then computes the frames that still lack their
 * lookahead as if silence followed, up to round(duration * fps) frames in all. A model without
 * lookahead has by then given every frame that the audio reached, which may be one more. Pushing
 * after flush needs a reset. */
KOEMORPH_C_API koemorph_result koemorph_stream_flush(koemorph_stream* stream);

/* [worker] Computes every frame whose audio has arrived. KOEMORPH_NO_FRAME when there was none. */
KOEMORPH_C_API koemorph_result koemorph_stream_process(koemorph_stream* stream);

/* [game] The face at `playback_time` seconds of stream time: the frames around it, interpolated.
 * Beyond the last frame, and before the oldest one held, it is the nearest frame's; also at
 * infinity. Writes min(n, 52) weights. KOEMORPH_NO_FRAME (with weights at rest) while there is no
 * frame at all, and for NaN. */
KOEMORPH_C_API koemorph_result koemorph_stream_sample(koemorph_stream* stream, double playback_time,
                                                      float* weights, int32_t n);

/* [game] The next computed frame in order, each once. Writes min(n, 52) weights and, where `time`
 * is not NULL, the frame's time in seconds. KOEMORPH_NO_FRAME when none is waiting. */
KOEMORPH_C_API koemorph_result koemorph_stream_pull(koemorph_stream* stream, float* weights,
                                                    int32_t n, double* time);

/* [worker] Copies a stage's latest output, for tests and debugging: the last mixed-down block
 * (AUDIO), the last resampled block (RESAMPLE), the newest mel frame (MEL), the newest functionals
 * (EGEMAPS), what the network hears of the seconds before (WINDOW: means of blocks of mel frames,
 * oldest first), its output (MODEL), that output as the next frame's state (SMOOTH), the frame
 * after controls and life, as it goes to retarget (RETARGET). Writes at most n floats, and to
 * *written (may be NULL) how many. */
KOEMORPH_C_API koemorph_result koemorph_stream_tap(koemorph_stream* stream, koemorph_stage stage,
                                                   float* out, int32_t n, int32_t* written);

/* [worker] Forgets everything and starts again at time 0, with no other call on the stream under
 * way; the library's own worker is waited for. `sample_rate` and `channels` of 0 keep what was. */
KOEMORPH_C_API koemorph_result koemorph_stream_reset(koemorph_stream* stream, int32_t sample_rate,
                                                     int32_t channels);

/* [any] Fills in a snapshot; info->size must be set. */
KOEMORPH_C_API koemorph_result koemorph_stream_get_info(const koemorph_stream* stream,
                                                        koemorph_stream_info* info);

/* ---- controls -----------------------------------------------------------------------------------
 */

/* How one voice moves one face. Every change glides, so nothing here clicks. Where a range stands,
 * koemorph_stream_set_controls refuses what is outside. */
typedef struct koemorph_controls {
  uint32_t size; /* set by koemorph_controls_init */
  /* The voice, before the features. */
  float input_strength;   /* gain on the voice, 0..10; 1 */
  int32_t gate;           /* 1: what lies near the noise floor is not heard; 0 (default): all is */
  float gate_margin;      /* dB above the tracked noise floor at which a voice begins, 1..40; 9 */
  float gate_hold;        /* s that the gate stays open after the voice, 0..5; 0.25 */
  float gate_ceiling;     /* dBFS, -90..0: the noise floor is never taken for louder; -45 */
  int32_t auto_gain;      /* 1: voices are brought to auto_gain_target; 0 (default) */
  float auto_gain_target; /* dBFS, RMS of speech, -60..0; -23 */
  float auto_gain_limit;  /* dB up or down at most, 0..40; 12 */
  /* The face, after the model. Upper: eyes, brows, cheeks below the eyes; lower: the rest. */
  float upper_strength;   /* 0..4; 1 */
  float lower_strength;   /* 0..4; 1 */
  float upper_smoothing;  /* s, time constant beyond the model's own smoothing, 0..2; 0 */
  float lower_smoothing;  /* s, 0..2; 0 */
  float symmetry;         /* 0 (default): as the model says; 1: left and right alike */
  float lip_close_offset; /* -1..1; 0. Above 0 the lips close, below 0 they part */
  float eyelid_offset;    /* -1..1; 0. Above 0 the eyes open wider, below 0 they close */
  float transition_seconds;            /* s over which a change takes place, 0..10; 0.2 */
  float multiplier[KOEMORPH_BLENDSHAPE_COUNT]; /* -10..10; 1 */
  float offset[KOEMORPH_BLENDSHAPE_COUNT];     /* -1..1; 0 */
  float minimum[KOEMORPH_BLENDSHAPE_COUNT];    /* 0..1; 0: clamping after multiplier and offset */
  float maximum[KOEMORPH_BLENDSHAPE_COUNT];    /* 0..1, not below minimum; 1 */
  uint8_t active[KOEMORPH_BLENDSHAPE_COUNT];   /* 0: this blendshape stays at rest; 1 (default) */
  uint8_t
      cancel_group[KOEMORPH_BLENDSHAPE_COUNT]; /* of the same group above 0 only the strongest acts, by
                                              what it is stronger than the next; 0 (default) */
  /* Life: what no voice says. Strengths 0..2; it makes room wherever the model moves, keeps to the
     maximum and leaves what is not active at rest. */
  float blink;             /* 1 */
  float blinks_per_minute; /* on average, 0..120; 20 */
  float saccades;          /* 0 */
  float brow_accents;      /* 0 */
  float idle;              /* 0 */
  uint32_t seed; /* the same seed and voice give the same life; taken over before the first
                    frame and at a reset; 0 */
} koemorph_controls;

/* [any] Fills in the defaults. Does nothing with NULL. */
KOEMORPH_C_API void koemorph_controls_init(koemorph_controls* controls);

/* [any] Fills in the defaults and, over them, what a preset says (JSON, UTF-8, `size` bytes; the
 * package's presets folder has examples). KOEMORPH_INVALID_ARGUMENT names line and column of what
 * is wrong. */
KOEMORPH_C_API koemorph_result koemorph_controls_from_preset(const char* json, uint64_t size,
                                                             koemorph_controls* out);

/* [game] Takes over new controls from the next frame that process computes. Those set before the
 * first frame hold from that frame on; later ones glide. */
KOEMORPH_C_API koemorph_result koemorph_stream_set_controls(koemorph_stream* stream,
                                                            const koemorph_controls* controls);

/* [game] The voice stops at `playback_time`: what sample and pull give falls to rest over the
 * `seconds` after it, whatever the voice still says. Pausing needs no call: sample the time at
 * which the sound stands. Neither does going back: sample any time of the last history_seconds. */
KOEMORPH_C_API koemorph_result koemorph_stream_fade_out(koemorph_stream* stream, double playback_time,
                                                     double seconds);

/* [game] Takes a relax back over the `seconds` after `playback_time`. Each relax and resume holds
 * from its time on, whatever was said before of what follows; the last 16 can be looked back at. */
KOEMORPH_C_API koemorph_result koemorph_stream_fade_in(koemorph_stream* stream, double playback_time,
                                                      double seconds);

/* ---- batch
 * --------------------------------------------------------------------------------------- */

/* [any] Room for running up to `capacity` (1..1024) streams of this model through one inference.
 * *out belongs to the caller, who ends it with koemorph_stream_batch_destroy. */
KOEMORPH_C_API koemorph_result koemorph_stream_batch_create(const koemorph_model* model, int32_t capacity,
                                                     koemorph_stream_batch** out);

/* [any] Leaves the streams alone. Does nothing with NULL. */
KOEMORPH_C_API void koemorph_stream_batch_destroy(koemorph_stream_batch* batch);

/* [worker] Does what koemorph_stream_process does for each of `count` <= capacity streams, with
 * frames that are due together in one call of the network. The streams share the memory that the
 * network needs. They may be others each time; all are of the batch's model, none has a library
 * worker, none comes twice. KOEMORPH_NO_FRAME when no stream had a frame to compute. */
KOEMORPH_C_API koemorph_result koemorph_stream_batch_process(koemorph_stream_batch* batch,
                                                      koemorph_stream* const* streams,
                                                      int32_t count);

/* ---- retarget -----------------------------------------------------------------------------------
 */

/* [any] Reads a map (JSON, UTF-8, `size` bytes; the package's maps folder has those of common
 * rigs). rig_names: the rig's own shapes; weights then come in their order, and shapes that the map
 * does not drive stay 0. Names match whatever their case, separators and side suffix. NULL: weights
 * come in the map's order. KOEMORPH_INVALID_ARGUMENT names line and column of what is wrong. On
 * success *out belongs to the caller, who ends it with koemorph_retarget_map_destroy. */
KOEMORPH_C_API koemorph_result koemorph_retarget_map_load(const char* json, uint64_t size,
                                                      const char* const* rig_names,
                                                      int32_t rig_count, koemorph_retarget_map** out);

/* [any] Does nothing with NULL. */
KOEMORPH_C_API void koemorph_retarget_map_destroy(koemorph_retarget_map* map);

/* [any] Number of weights; 0 with NULL. */
KOEMORPH_C_API int32_t koemorph_retarget_map_count(const koemorph_retarget_map* map);

/* [any] Name of weight `index`, NULL when there is none; valid as long as the map. */
KOEMORPH_C_API const char* koemorph_retarget_map_name(const koemorph_retarget_map* map, int32_t index);

/* [any] 1 when the map drives weight `index`, 0 when that shape of the rig found no partner. */
KOEMORPH_C_API int32_t koemorph_retarget_map_is_driven(const koemorph_retarget_map* map, int32_t index);

/* [any] Turns 52 blendshapes, as sample and pull give them, into the first min(n, count) weights.
 * Never allocates or locks; any number of threads may use one map. */
KOEMORPH_C_API koemorph_result koemorph_retarget_map_apply(const koemorph_retarget_map* map,
                                                       const float* blendshapes, float* weights,
                                                       int32_t n);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* KOEMORPH_H */
