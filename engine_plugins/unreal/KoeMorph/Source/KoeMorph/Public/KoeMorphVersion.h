// Copyright KoeMorph contributors. Licensed under the MIT License.

// All differences between the supported engine versions (5.3 to 5.8).
#pragma once

#include "Misc/EngineVersionComparison.h"

#if UE_VERSION_OLDER_THAN(5, 3, 0)
#error "KoeMorph needs Unreal Engine 5.3 or later."
#endif

// 5.4 and later hold submix listeners by shared reference, 5.3 by pointer.
#if UE_VERSION_OLDER_THAN(5, 4, 0)
#define KOEMORPH_SHARED_SUBMIX_LISTENERS 0
#else
#define KOEMORPH_SHARED_SUBMIX_LISTENERS 1
#endif
