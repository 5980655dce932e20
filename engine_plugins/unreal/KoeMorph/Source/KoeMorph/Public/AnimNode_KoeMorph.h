// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "Animation/AnimNodeBase.h"
#include "CoreMinimal.h"
#include "AnimNode_KoeMorph.generated.h"

/**
 * Sets the curves of the actor's KoeMorph component on a pose. For a MetaHuman, place it before the ARKit mapping.
 */
USTRUCT(BlueprintInternalUseOnly)
struct KOEMORPH_API FAnimNode_KoeMorph : public FAnimNode_Base
{
	GENERATED_BODY()

	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "Links")
	FPoseLink SourcePose;

	/** Blends from the curves of the pose (0) to those of KoeMorph (1). */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (PinShownByDefault, ClampMin = "0", ClampMax = "1"))
	float Alpha = 1.0f;

	virtual void Initialize_AnyThread(const FAnimationInitializeContext& Context) override;
	virtual void CacheBones_AnyThread(const FAnimationCacheBonesContext& Context) override;
	virtual void Update_AnyThread(const FAnimationUpdateContext& Context) override;
	virtual void Evaluate_AnyThread(FPoseContext& Output) override;
	virtual void GatherDebugData(FNodeDebugData& DebugData) override;
	virtual bool HasPreUpdate() const override { return true; }
	virtual void PreUpdate(const UAnimInstance* AnimInstance) override;

private:
	/** Copied on the game thread, read on the animation worker. */
	TArray<float> Weights;
	TArray<FName> Names;
};
