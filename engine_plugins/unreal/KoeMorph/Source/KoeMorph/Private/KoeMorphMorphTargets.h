#pragma once

#include "CoreMinimal.h"
#include "UObject/WeakObjectPtr.h"

#include <memory>

namespace koemorph_plugin
{
class Retarget;
}

class AActor;
class USkeletalMesh;
class USkeletalMeshComponent;

/** What a retarget map drives on the skeletal meshes of an actor. Game thread. */
class FKoeMorphMorphTargets
{
public:
	/** Null, with a sentence, when there is no such map. */
	static TSharedPtr<FKoeMorphMorphTargets> Find(
		const AActor& Actor, const FString& MapName, const FString& MapFile, FString& OutProblem);

	/** Shows 52 blendshapes. False once a mesh is gone or another: find them again. */
	bool Show(const TArray<float>& Blendshapes);

	/** Number of morph targets that are driven, on all meshes. */
	int32 Num() const;

private:
	struct FMesh
	{
		TWeakObjectPtr<USkeletalMeshComponent> Component;
		const USkeletalMesh* Asset = nullptr;
		std::shared_ptr<const koemorph_plugin::Retarget> Map;
		TArray<FName> Names;
		TArray<float> Weights;
	};
	TArray<FMesh> Meshes;
};
