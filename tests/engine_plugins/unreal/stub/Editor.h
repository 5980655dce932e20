// Stub of the editor: graph nodes, animation data, menus.
#pragma once

#include "Animation.h"

namespace ENodeTitleType
{
enum Type
{
	FullTitle
};
}
struct FLinearColor
{
	FLinearColor(float R, float G, float B, float A = 1.0f) {}
};
class UAnimGraphNode_Base : public UObject
{
public:
	virtual FText GetNodeTitle(ENodeTitleType::Type TitleType) const { return FText(); }
	virtual FText GetTooltipText() const { return FText(); }
	virtual FString GetNodeCategory() const { return FString(); }
	virtual FLinearColor GetNodeTitleColor() const { return FLinearColor(0, 0, 0); }
};

struct FFrameRate
{
	FFrameRate(uint32 InNumerator, uint32 InDenominator)
		: Numerator(InNumerator)
		, Denominator(InDenominator)
	{
	}
	// Rejects narrowing conversions, as some warning settings of the engine do.
	FFrameRate(auto Wide, uint32)
		requires(sizeof(Wide) > sizeof(uint32))
	= delete;
	uint32 Numerator, Denominator;
};
struct FFrameNumber
{
	FFrameNumber(int32 InValue)
		: Value(InValue)
	{
	}
	int32 Value;
};
enum class ERawCurveTrackTypes : uint8
{
	RCT_Float
};
enum EAnimAssetCurveFlags
{
	AACF_Editable = 4
};
struct FAnimationCurveIdentifier
{
	FAnimationCurveIdentifier(const FName& Name, ERawCurveTrackTypes Type)
		: CurveName(Name)
	{
	}
	FName CurveName;
};
struct FRichCurveKey
{
	FRichCurveKey(float InTime, float InValue)
		: Time(InTime)
		, Value(InValue)
	{
	}
	float Time, Value;
};
class IAnimationDataController
{
public:
	virtual ~IAnimationDataController() = default;
	virtual void OpenBracket(const FText& Title, bool bShouldTransact = true) = 0;
	virtual void CloseBracket(bool bShouldTransact = true) = 0;
	virtual void InitializeModel() = 0;
	virtual void NotifyPopulated() = 0;
	virtual void SetFrameRate(FFrameRate Rate, bool bShouldTransact = true) = 0;
	virtual void SetNumberOfFrames(FFrameNumber Length, bool bShouldTransact = true) = 0;
	virtual void RemoveAllCurvesOfType(ERawCurveTrackTypes Type, bool bShouldTransact = true) = 0;
	virtual bool AddCurve(const FAnimationCurveIdentifier& Id, int32 Flags = AACF_Editable, bool bShouldTransact = true) = 0;
	virtual bool SetCurveKeys(
		const FAnimationCurveIdentifier& Id, const TArray<FRichCurveKey>& Keys, bool bShouldTransact = true) = 0;
};
/** Data set through the controller, which the engine stores in a data model. */
class FStubController final : public IAnimationDataController
{
public:
	virtual void OpenBracket(const FText& Title, bool bShouldTransact) override { ++Open; }
	virtual void CloseBracket(bool bShouldTransact) override { --Open; }
	virtual void InitializeModel() override { bInitialized = true; }
	virtual void NotifyPopulated() override { bPopulated = true; }
	virtual void SetFrameRate(FFrameRate Rate, bool bShouldTransact) override { FrameRate = Rate; }
	virtual void SetNumberOfFrames(FFrameNumber Length, bool bShouldTransact) override { Frames = Length.Value; }
	virtual void RemoveAllCurvesOfType(ERawCurveTrackTypes Type, bool bShouldTransact) override { Curves.Empty(); }
	virtual bool AddCurve(const FAnimationCurveIdentifier& Id, int32 Flags, bool bShouldTransact) override
	{
		Curves.Add(Id.CurveName, TArray<FRichCurveKey>());
		return true;
	}
	virtual bool SetCurveKeys(
		const FAnimationCurveIdentifier& Id, const TArray<FRichCurveKey>& Keys, bool bShouldTransact) override
	{
		TArray<FRichCurveKey>* const Known = Curves.Find(Id.CurveName);
		if (Known != nullptr)
		{
			*Known = Keys;
		}
		return Known != nullptr;
	}
	int32 Open = 0;
	int32 Frames = 0;
	bool bInitialized = false;
	bool bPopulated = false;
	FFrameRate FrameRate{0, 1};
	TMap<FName, TArray<FRichCurveKey>> Curves;
};
class USkeleton : public UObject
{
};
class UAnimSequence : public UObject
{
public:
	IAnimationDataController& GetController() { return StubController; }
	void SetSkeleton(USkeleton* NewSkeleton) { StubSkeleton = NewSkeleton; }
	FStubController StubController;
	USkeleton* StubSkeleton = nullptr;
};

struct FAssetRegistryModule
{
	static void AssetCreated(UObject* Asset) { StubCreated.push_back(Asset); }
	static inline std::vector<UObject*> StubCreated;
};
struct FPackageName
{
	static FString GetLongPackagePath(const FString& Name);
};
struct FScopedSlowTask
{
	FScopedSlowTask(float Amount, const FText& Message) {}
	void MakeDialog(bool bShowCancel = false) {}
	bool ShouldCancel() const { return false; }
	void EnterProgressFrame(float Work, const FText& Text) {}
};

struct FSimpleMulticastDelegate
{
	struct FDelegate
	{
		template <typename T>
		static FDelegate CreateRaw(T* Object, void (T::*Method)())
		{
			return FDelegate{[Object, Method] { (Object->*Method)(); }};
		}
		std::function<void()> StubCall;
	};
};
struct FToolMenuContext
{
};
struct FToolMenuExecuteAction
{
	static FToolMenuExecuteAction CreateStatic(void (*Function)(const FToolMenuContext&))
	{
		return FToolMenuExecuteAction{Function};
	}
	void (*StubCall)(const FToolMenuContext&) = nullptr;
};
struct FToolUIAction
{
	FToolMenuExecuteAction ExecuteAction;
};
struct FToolUIActionChoice
{
	FToolUIActionChoice(const FToolUIAction& Action)
		: StubAction(Action)
	{
	}
	FToolUIAction StubAction;
};
struct FSlateIcon
{
};
struct FToolMenuSection
{
	void AddMenuEntry(
		const FName Name, const FText& Label, const FText& ToolTip, const FSlateIcon& Icon, const FToolUIActionChoice& Action)
	{
		StubEntry = Action.StubAction.ExecuteAction.StubCall;
	}
	void (*StubEntry)(const FToolMenuContext&) = nullptr;
};
class UToolMenu : public UObject
{
public:
	FToolMenuSection& FindOrAddSection(const FName Name) { return StubSection; }
	FToolMenuSection StubSection;
};
struct FToolMenuOwner
{
	FToolMenuOwner(void* Owner) {}
};
struct FToolMenuOwnerScoped
{
	FToolMenuOwnerScoped(const FToolMenuOwner& Owner) {}
	~FToolMenuOwnerScoped() {}
};
class UToolMenus : public UObject
{
public:
	static UToolMenus* Get() { return StubDefault<UToolMenus>(); }
	static int RegisterStartupCallback(const FSimpleMulticastDelegate::FDelegate& Delegate)
	{
		Delegate.StubCall();
		return 0;
	}
	static void UnRegisterStartupCallback(const void* Owner) {}
	static void UnregisterOwner(const FToolMenuOwner& Owner) {}
	UToolMenu* ExtendMenu(const FName Name) { return &StubMenu; }
	UToolMenu StubMenu;
};
class UContentBrowserAssetContextMenuContext : public UObject
{
public:
	static const UContentBrowserAssetContextMenuContext* FindContextWithAssets(const FToolMenuContext& Context)
	{
		return StubDefault<UContentBrowserAssetContextMenuContext>();
	}
	template <typename T>
	TArray<T*> LoadSelectedObjects() const
	{
		TArray<T*> Selected;
		for (UObject* const Object : StubSelected)
		{
			Selected.Add(static_cast<T*>(Object));
		}
		return Selected;
	}
	std::vector<UObject*> StubSelected;
};
