/* KoeMorph: intermediate results of a stream, for tests and debugging.
 *
 * Not needed for animation. The stages may change with every version.
 */
#ifndef KOEMORPH_DEBUG_H
#define KOEMORPH_DEBUG_H

#include "koemorph.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Named after the values that koemorph_debug_tap returns; in the order of the pipeline. */
typedef enum koemorph_debug_stage {
  KOEMORPH_DEBUG_INPUT_BLOCK = 0,     /* last block of input audio, mixed down to one channel */
  KOEMORPH_DEBUG_RESAMPLED_BLOCK = 1, /* the same after resampling, gate and gain */
  KOEMORPH_DEBUG_MEL_FRAME = 2,       /* newest log-mel frame (bands) */
  KOEMORPH_DEBUG_EGEMAPS_FUNCTIONALS =
      3,                               /* newest eGeMAPS functionals (88); empty without eGeMAPS */
  KOEMORPH_DEBUG_POOLED_CONTEXT = 4,   /* mean mel frames of the context blocks, oldest first
                                          (blocks, bands) */
  KOEMORPH_DEBUG_NETWORK_OUTPUT = 5,   /* weights as the network returned them (52) */
  KOEMORPH_DEBUG_PREVIOUS_WEIGHTS = 6, /* the same, finite and within [0, 1]: the network's state
                                          for the next frame (52) */
  KOEMORPH_DEBUG_CONTROLLED_WEIGHTS = 7,   /* after the controls (52) */
  KOEMORPH_DEBUG_FINAL_WEIGHTS = 8,        /* after idle motion: the frame that is stored (52) */
  KOEMORPH_DEBUG_STAGE_IS_INT = 0x7fffffff /* no stage; makes every int a valid value */
} koemorph_debug_stage;

/* [worker] Copies the latest values of a stage. Writes at most `count` floats and, unless `written`
 * is NULL, their number to *written. The library's own worker is waited for. */
KOEMORPH_C_API koemorph_result koemorph_debug_tap(koemorph_stream* stream,
                                                  koemorph_debug_stage stage, float* out,
                                                  int32_t count, int32_t* written);

#ifdef __cplusplus
} /* extern "C" */
#endif

#endif /* KOEMORPH_DEBUG_H */
