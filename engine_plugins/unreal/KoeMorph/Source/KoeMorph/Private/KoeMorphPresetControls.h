// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "koemorph.h"

namespace koemorph_plugin
{
struct Api;
}

class UKoeMorphPreset;

/** Reads the controls of a preset; the defaults for null. False, with an error message, if it is invalid. */
bool KoeMorphReadPreset(
	const koemorph_plugin::Api& Api, const UKoeMorphPreset* Preset, koemorph_controls& OutControls, FString& OutError);
