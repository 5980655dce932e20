// Where the x86-64 kernels can be compiled: GCC and Clang choose the instruction set by function.
#pragma once

#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC diagnostic ignored "-Wpsabi"
// False alarms in the intrinsics of GCC 12.
#pragma GCC diagnostic ignored "-Wuninitialized"
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"
#endif

#if defined(__x86_64__) && (defined(__GNUC__) || defined(__clang__))
#define KOEMORPH_X86_KERNELS
#include <immintrin.h>
#endif


#include "onnx/kernels.h"
