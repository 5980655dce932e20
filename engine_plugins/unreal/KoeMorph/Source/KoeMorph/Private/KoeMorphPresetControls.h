#pragma once

#include "CoreMinimal.h"
#include "koemorph.h"

namespace koemorph_plugin
{
struct Api;
}

class UKoeMorphPreset;

/** What a preset says, or for null the defaults. False, with a sentence, when it is no preset. */
bool KoeMorphReadPreset(
	const koemorph_plugin::Api& Api, const UKoeMorphPreset* Preset, koemorph_controls& OutControls, FString& OutProblem);
