// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"

class UAnimSequence;
class USkeleton;
class USoundWave;

namespace KoeMorphBake
{
/**
 * Creates an animation with the 52 curves beside the sound, as NAME_Face; an existing one is replaced. Time 0 is the start of the
 * sound: no latency. Null, with an error message, on failure.
 */
KOEMORPHEDITOR_API UAnimSequence* Bake(USoundWave& Sound, USkeleton& Skeleton, FString& OutError);

/** Bakes several sounds for the skeleton of the project settings; errors are logged. */
KOEMORPHEDITOR_API void BakeAll(const TArray<USoundWave*>& Sounds);
}
