// Stub of animation nodes, curves and Live Link.
#pragma once

#include "Sound.h"

class UAnimInstance : public UObject
{
public:
	AActor* GetOwningActor() const { return StubActor; }
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
	void AddDebugItem(FString DebugData, bool bPoseSource = false) { StubItems.push_back(DebugData); }
	FString GetNodeName(FAnimNode_Base* Node) { return TEXT("Node"); }
	std::vector<FString> StubItems;
};
namespace UE::Anim
{
enum class ECurveElementFlags : uint8
{
	None = 0,
	MorphTarget = 1,
	Material = 2
};
constexpr ECurveElementFlags operator|(ECurveElementFlags A, ECurveElementFlags B)
{
	return static_cast<ECurveElementFlags>(static_cast<int>(A) | static_cast<int>(B));
}
}
struct FBlendedCurve
{
	void Set(FName Name, float Value) { StubCurves.Add(Name, Value); }
	void SetFlags(FName Name, UE::Anim::ECurveElementFlags Flags) { StubFlags.Add(Name, Flags); }
	UE::Anim::ECurveElementFlags GetFlags(FName Name) const
	{
		const UE::Anim::ECurveElementFlags* const Found = StubFlags.Find(Name);
		return Found != nullptr ? *Found : UE::Anim::ECurveElementFlags::None;
	}
	float Get(FName Name) const
	{
		const float* const Found = StubCurves.Find(Name);
		return Found != nullptr ? *Found : 0.0f;
	}
	TMap<FName, float> StubCurves;
	TMap<FName, UE::Anim::ECurveElementFlags> StubFlags;
};
struct FPoseContext
{
	FBlendedCurve Curve;
};
struct FPoseLink
{
	void Initialize(const FAnimationInitializeContext& Context) {}
	void CacheBones(const FAnimationCacheBonesContext& Context) {}
	void Update(const FAnimationUpdateContext& Context) {}
	void Evaluate(FPoseContext& Output) { Output = StubPose; }
	void GatherDebugData(FNodeDebugData& DebugData) {}
	FPoseContext StubPose;
};
struct FExposedValueHandler
{
	void Execute(const FAnimationUpdateContext& Context) const {}
};
struct FAnimNode_Base
{
	virtual ~FAnimNode_Base() = default;
	virtual void Initialize_AnyThread(const FAnimationInitializeContext& Context) {}
	virtual void CacheBones_AnyThread(const FAnimationCacheBonesContext& Context) {}
	virtual void Update_AnyThread(const FAnimationUpdateContext& Context) {}
	virtual void Evaluate_AnyThread(FPoseContext& Output) {}
	virtual void GatherDebugData(FNodeDebugData& DebugData) {}
	virtual bool HasPreUpdate() const { return false; }
	virtual void PreUpdate(const UAnimInstance* AnimInstance) {}
	const FExposedValueHandler& GetEvaluateGraphExposedInputs() { return StubInputs; }
	FExposedValueHandler StubInputs;
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
	static UScriptStruct* StaticStruct() { return nullptr; }
	TArray<FName> PropertyNames;
};
struct FLiveLinkWorldTime
{
	FLiveLinkWorldTime() = default;
	FLiveLinkWorldTime(double Time)
		: StubTime(Time)
	{
	}
	double StubTime = 0.0;
};
struct FLiveLinkBaseFrameData
{
	static UScriptStruct* StaticStruct() { return nullptr; }
	FLiveLinkWorldTime WorldTime;
	TArray<float> PropertyValues;
};
template <typename Held>
struct FStubLiveLinkData
{
	explicit FStubLiveLinkData(UScriptStruct* Type) {}
	template <typename T>
	T* Cast()
	{
		return &StubData;
	}
	Held StubData;
};
using FLiveLinkStaticDataStruct = FStubLiveLinkData<FLiveLinkBaseStaticData>;
using FLiveLinkFrameDataStruct = FStubLiveLinkData<FLiveLinkBaseFrameData>;
class ULiveLinkRole : public UObject
{
};
class ULiveLinkBasicRole : public ULiveLinkRole
{
public:
	static UClass* StaticClass() { return nullptr; }
};
struct FLiveLinkSubjectKey
{
	FLiveLinkSubjectKey(FGuid Source, FName Subject)
		: SubjectName(Subject)
	{
	}
	FName SubjectName;
};
class ILiveLinkClient : public IModularFeature
{
public:
	virtual ~ILiveLinkClient() = default;
	static inline const FName ModularFeatureName = TEXT("ModularFeature_LiveLinkClient");
	virtual FGuid AddSource(TSharedPtr<ILiveLinkSource> Source) = 0;
	virtual void RemoveSource(FGuid Source) = 0;
	virtual void PushSubjectStaticData_AnyThread(
		const FLiveLinkSubjectKey& Key, TSubclassOf<ULiveLinkRole> Role, FLiveLinkStaticDataStruct&& Data) = 0;
	virtual void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey& Key, FLiveLinkFrameDataStruct&& Data) = 0;
};
