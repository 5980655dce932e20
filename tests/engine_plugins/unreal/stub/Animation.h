// Animation nodes, curves and Live Link.
#pragma once

#include "Engine.h"

class UAnimInstance : public UObject
{
public:
	AActor* GetOwningActor() const;
};

struct FAnimationInitializeContext
{
};
struct FAnimationCacheBonesContext
{
};
struct FAnimationUpdateContext
{
};
struct FAnimNode_Base;
struct FNodeDebugData
{
	void AddDebugItem(FString DebugData, bool bPoseSource = false);
	FString GetNodeName(FAnimNode_Base* Node);
};
struct FBlendedCurve
{
	void Set(FName Name, float Value);
	float Get(FName Name) const;
};
struct FPoseContext
{
	FBlendedCurve Curve;
};
struct FPoseLink
{
	void Initialize(const FAnimationInitializeContext& Context);
	void CacheBones(const FAnimationCacheBonesContext& Context);
	void Update(const FAnimationUpdateContext& Context);
	void Evaluate(FPoseContext& Output);
	void GatherDebugData(FNodeDebugData& DebugData);
};
struct FExposedValueHandler
{
	void Execute(const FAnimationUpdateContext& Context) const;
};
struct FAnimNode_Base
{
	virtual ~FAnimNode_Base() = default;
	virtual void Initialize_AnyThread(const FAnimationInitializeContext& Context);
	virtual void CacheBones_AnyThread(const FAnimationCacheBonesContext& Context);
	virtual void Update_AnyThread(const FAnimationUpdateContext& Context);
	virtual void Evaluate_AnyThread(FPoseContext& Output);
	virtual void GatherDebugData(FNodeDebugData& DebugData);
	virtual bool HasPreUpdate() const;
	virtual void PreUpdate(const UAnimInstance* AnimInstance);
	const FExposedValueHandler& GetEvaluateGraphExposedInputs();
};

// ---- Live Link ----
class ILiveLinkClient;
class ILiveLinkSource
{
public:
	virtual ~ILiveLinkSource() = default;
	virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) = 0;
	virtual bool IsSourceStillValid() const = 0;
	virtual bool RequestSourceShutdown() = 0;
	virtual FText GetSourceType() const = 0;
	virtual FText GetSourceMachineName() const = 0;
	virtual FText GetSourceStatus() const = 0;
};
struct FLiveLinkBaseStaticData
{
	static UScriptStruct* StaticStruct();
	TArray<FName> PropertyNames;
};
struct FLiveLinkWorldTime
{
	FLiveLinkWorldTime() = default;
	FLiveLinkWorldTime(double Time);
};
struct FLiveLinkBaseFrameData
{
	static UScriptStruct* StaticStruct();
	FLiveLinkWorldTime WorldTime;
	TArray<float> PropertyValues;
};
struct FStubLiveLinkData
{
	explicit FStubLiveLinkData(UScriptStruct* Type);
	template <typename T>
	T* Cast();
};
struct FLiveLinkStaticDataStruct : FStubLiveLinkData
{
	using FStubLiveLinkData::FStubLiveLinkData;
};
struct FLiveLinkFrameDataStruct : FStubLiveLinkData
{
	using FStubLiveLinkData::FStubLiveLinkData;
};
class ULiveLinkRole : public UObject
{
};
class ULiveLinkBasicRole : public ULiveLinkRole
{
public:
	static UClass* StaticClass();
};
struct FLiveLinkSubjectKey
{
	FLiveLinkSubjectKey(FGuid Source, FName Subject);
};
class ILiveLinkClient : public IModularFeature
{
public:
	virtual ~ILiveLinkClient() = default;
	static const FName ModularFeatureName;
	virtual FGuid AddSource(TSharedPtr<ILiveLinkSource> Source) = 0;
	virtual void RemoveSource(FGuid Source) = 0;
	virtual void PushSubjectStaticData_AnyThread(
		const FLiveLinkSubjectKey& Key, TSubclassOf<ULiveLinkRole> Role, FLiveLinkStaticDataStruct&& Data) = 0;
	virtual void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey& Key, FLiveLinkFrameDataStruct&& Data) = 0;
};
