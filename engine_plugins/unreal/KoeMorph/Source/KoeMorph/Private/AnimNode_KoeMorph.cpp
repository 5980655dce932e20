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
	const UKoeMorphComponent* const Face = Actor != nullptr ? Actor->FindComponentByClass<UKoeMorphComponent>() : nullptr;
	Weights.Reset();
	if (Face != nullptr)
	{
		Weights.Append(Face->GetCurves());
		Names = Face->GetCurveNames();
	}
}

void FAnimNode_KoeMorph::Evaluate_AnyThread(FPoseContext& Output)
{
	SourcePose.Evaluate(Output);
	const int32 Count = FMath::Min(Weights.Num(), Names.Num());
	const float Shown = FMath::Clamp(Alpha, 0.0f, 1.0f); // what comes through its pin may be anything
	for (int32 Index = 0; Index < Count; ++Index)
	{
		const float Before = Output.Curve.Get(Names[Index]);
		Output.Curve.Set(Names[Index], FMath::Lerp(Before, Weights[Index], Shown));
	}
}

void FAnimNode_KoeMorph::GatherDebugData(FNodeDebugData& DebugData)
{
	DebugData.AddDebugItem(FString::Printf(TEXT("%s: %d curves"), *DebugData.GetNodeName(this), Weights.Num()));
	SourcePose.GatherDebugData(DebugData);
}
