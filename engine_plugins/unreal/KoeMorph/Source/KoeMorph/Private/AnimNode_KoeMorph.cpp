// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "AnimNode_KoeMorph.h"

#include "Animation/AnimInstance.h"
#include "Animation/AnimInstanceProxy.h"
#include "Components/SkeletalMeshComponent.h"
#include "GameFramework/Actor.h"
#include "KoeMorphComponent.h"

void FAnimNode_KoeMorph::Initialize_AnyThread(const FAnimationInitializeContext& Context)
{
	FAnimNode_Base::Initialize_AnyThread(Context);
	SourcePose.Initialize(Context);
}

void FAnimNode_KoeMorph::CacheBones_AnyThread(const FAnimationCacheBonesContext& Context)
{
	SourcePose.CacheBones(Context);
}

void FAnimNode_KoeMorph::Update_AnyThread(const FAnimationUpdateContext& Context)
{
	GetEvaluateGraphExposedInputs().Execute(Context);
	SourcePose.Update(Context);
}

void FAnimNode_KoeMorph::PreUpdate(const UAnimInstance* AnimInstance)
{
	const AActor* const Actor = AnimInstance->GetOwningActor();
	const UKoeMorphComponent* const Component = Actor != nullptr ? Actor->FindComponentByClass<UKoeMorphComponent>() : nullptr;
	Weights.Reset();
	if (Component != nullptr)
	{
		Weights.Append(Component->GetCurves());
		Names = Component->GetCurveNames();
	}
}

void FAnimNode_KoeMorph::Evaluate_AnyThread(FPoseContext& Output)
{
	SourcePose.Evaluate(Output);
	const int32 Count = FMath::Min(Weights.Num(), Names.Num());
	const float Blend = FMath::Clamp(Alpha, 0.0f, 1.0f); // a connected pin may deliver any value
	for (int32 Index = 0; Index < Count; ++Index)
	{
		const float Before = Output.Curve.Get(Names[Index]);
		Output.Curve.Set(Names[Index], FMath::Lerp(Before, Weights[Index], Blend));
		// Only curves with this flag reach morph targets; the flag has no effect on other curves.
		Output.Curve.SetFlags(Names[Index], Output.Curve.GetFlags(Names[Index]) | UE::Anim::ECurveElementFlags::MorphTarget);
	}
}

void FAnimNode_KoeMorph::GatherDebugData(FNodeDebugData& DebugData)
{
	DebugData.AddDebugItem(FString::Printf(TEXT("%s: %d curves"), *DebugData.GetNodeName(this), Weights.Num()));
	SourcePose.GatherDebugData(DebugData);
}
