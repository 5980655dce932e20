#pragma once

#include "CoreMinimal.h"

class UAnimSequence;
class USkeleton;
class USoundWave;

namespace KoeMorphBake
{
/**
 * Turns a sound into an animation with the 52 curves, saved beside it as NAME_Face; an older one is
 * replaced. Curve time 0 is the sound's start: no latency. Null, with a sentence, on failure.
 */
KOEMORPHEDITOR_API UAnimSequence* Bake(USoundWave& Sound, USkeleton& Skeleton, FString& OutProblem);

/** The same for many, for the skeleton of the project settings; what went wrong is in the log. */
KOEMORPHEDITOR_API void BakeAll(const TArray<USoundWave*>& Sounds);
}
