// Every difference between the engine versions that this plugin meets (5.3 to 5.6), in one place.
#pragma once

#include "Misc/EngineVersionComparison.h"

#if UE_VERSION_OLDER_THAN(5, 3, 0)
#error "KoeMorph needs Unreal Engine 5.3 or later."
#endif

// 5.4 holds submix listeners by shared reference; 5.3 by plain pointer.
#if UE_VERSION_OLDER_THAN(5, 4, 0)
#define KOEMORPH_SHARED_SUBMIX_LISTENERS 0
#else
#define KOEMORPH_SHARED_SUBMIX_LISTENERS 1
#endif
