// The editor: graph nodes, animation data, menus.
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
	FLinearColor(float R, float G, float B, float A = 1.0f);
};
class UAnimGraphNode_Base : public UObject
{
public:
	virtual FText GetNodeTitle(ENodeTitleType::Type TitleType) const;
	virtual FText GetTooltipText() const;
	virtual FString GetNodeCategory() const;
	virtual FLinearColor GetNodeTitleColor() const;
};

struct FFrameRate
{
	FFrameRate(uint32 Numerator, uint32 Denominator);
};
struct FFrameNumber
{
	FFrameNumber(int32 Value);
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
	FAnimationCurveIdentifier(const FName& Name, ERawCurveTrackTypes Type);
};
struct FRichCurveKey
{
	FRichCurveKey(float Time, float Value);
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
class USkeleton : public UObject
{
};
class UAnimSequence : public UObject
{
public:
	IAnimationDataController& GetController();
	void SetSkeleton(USkeleton* NewSkeleton);
};

struct FAssetRegistryModule
{
	static void AssetCreated(UObject* Asset);
};
struct FPackageName
{
	static FString GetLongPackagePath(const FString& Name);
};
struct FScopedSlowTask
{
	FScopedSlowTask(float Amount, const FText& Message);
	void MakeDialog(bool bShowCancel = false);
	bool ShouldCancel() const;
	void EnterProgressFrame(float Work, const FText& Text);
};

struct FSimpleMulticastDelegate
{
	struct FDelegate
	{
		template <typename T>
		static FDelegate CreateRaw(T* Object, void (T::*Method)());
	};
};
struct FToolMenuContext
{
};
struct FToolMenuExecuteAction
{
	static FToolMenuExecuteAction CreateStatic(void (*Function)(const FToolMenuContext&));
};
struct FToolUIAction
{
	FToolMenuExecuteAction ExecuteAction;
};
struct FToolUIActionChoice
{
	FToolUIActionChoice(const FToolUIAction& Action);
};
struct FSlateIcon
{
};
struct FToolMenuSection
{
	void AddMenuEntry(
		const FName Name, const FText& Label, const FText& ToolTip, const FSlateIcon& Icon, const FToolUIActionChoice& Action);
};
class UToolMenu : public UObject
{
public:
	FToolMenuSection& FindOrAddSection(const FName Name);
};
struct FToolMenuOwner
{
	FToolMenuOwner(void* Owner);
};
struct FToolMenuOwnerScoped
{
	FToolMenuOwnerScoped(const FToolMenuOwner& Owner);
	~FToolMenuOwnerScoped();
};
class UToolMenus : public UObject
{
public:
	static UToolMenus* Get();
	static int RegisterStartupCallback(const FSimpleMulticastDelegate::FDelegate& Delegate);
	static void UnRegisterStartupCallback(const void* Owner);
	static void UnregisterOwner(const FToolMenuOwner& Owner);
	UToolMenu* ExtendMenu(const FName Name);
};
class UContentBrowserAssetContextMenuContext : public UObject
{
public:
	static const UContentBrowserAssetContextMenuContext* FindContextWithAssets(const FToolMenuContext& Context);
	template <typename T>
	TArray<T*> LoadSelectedObjects() const;
};
