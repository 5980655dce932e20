// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "UObject/WeakObjectPtr.h"

#include <memory>

namespace koemorph_plugin
{
class RetargetMap;
}

class AActor;
class USkeletalMesh;
class USkeletalMeshComponent;

/** The morph targets of an actor's skeletal meshes that a retarget map drives. Game thread. */
class FKoeMorphMorphTargets
{
public:
	/** Null, with an error message, if the map cannot be loaded. */
	static TSharedPtr<FKoeMorphMorphTargets> Find(
		const AActor& Actor, const FString& MapName, const FString& MapFile, FString& OutError);

	/** Applies 52 weights. False if a mesh was removed or replaced: find them again. */
	bool Apply(const TArray<float>& Blendshapes);

	/** Sets the driven morph targets to the weights that they had before. */
	void RestoreWeights();

	/** Number of driven morph targets of all meshes. */
	int32 Num() const;

private:
	struct FMesh
	{
		TWeakObjectPtr<USkeletalMeshComponent> Component;
		const USkeletalMesh* Asset = nullptr;
		std::shared_ptr<const koemorph_plugin::RetargetMap> Map;
		TArray<FName> Names;
		TArray<float> Weights;
		/** The weights before Find. */
		TArray<float> AuthoredWeights;
	};
	TArray<FMesh> Meshes;
};
