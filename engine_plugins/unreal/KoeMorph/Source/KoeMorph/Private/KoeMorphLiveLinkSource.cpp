// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphLiveLinkSource.h"

#include "Features/IModularFeatures.h"
#include "HAL/PlatformProcess.h"
#include "ILiveLinkClient.h"
#include "LiveLinkTypes.h"
#include "Roles/LiveLinkBasicRole.h"
#include "Roles/LiveLinkBasicTypes.h"

#define LOCTEXT_NAMESPACE "KoeMorph"

TSharedPtr<FKoeMorphLiveLinkSource> FKoeMorphLiveLinkSource::Add(FName InSubject, const TArray<FName>& InCurves)
{
	IModularFeatures& Features = IModularFeatures::Get();
	if (!Features.IsModularFeatureAvailable(ILiveLinkClient::ModularFeatureName))
	{
		return nullptr;
	}
	const TSharedPtr<FKoeMorphLiveLinkSource> Source = MakeShared<FKoeMorphLiveLinkSource>();
	Source->Subject = InSubject;
	Source->Curves = InCurves;
	Features.GetModularFeature<ILiveLinkClient>(ILiveLinkClient::ModularFeatureName).AddSource(Source);
	return Source;
}

void FKoeMorphLiveLinkSource::ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid)
{
	Client = InClient;
	Guid = InSourceGuid;
	FLiveLinkStaticDataStruct Data(FLiveLinkBaseStaticData::StaticStruct());
	Data.Cast<FLiveLinkBaseStaticData>()->PropertyNames = Curves;
	Client->PushSubjectStaticData_AnyThread(
		FLiveLinkSubjectKey(Guid, Subject), ULiveLinkBasicRole::StaticClass(), MoveTemp(Data));
}

void FKoeMorphLiveLinkSource::Push(const TArray<float>& Weights, double Now)
{
	if (Client == nullptr)
	{
		return;
	}
	FLiveLinkFrameDataStruct Data(FLiveLinkBaseFrameData::StaticStruct());
	FLiveLinkBaseFrameData* const Frame = Data.Cast<FLiveLinkBaseFrameData>();
	Frame->WorldTime = FLiveLinkWorldTime(Now);
	Frame->PropertyValues = Weights;
	Client->PushSubjectFrameData_AnyThread(FLiveLinkSubjectKey(Guid, Subject), MoveTemp(Data));
}

void FKoeMorphLiveLinkSource::Remove()
{
	if (Client != nullptr)
	{
		Client->RemoveSource(Guid);
	}
}

bool FKoeMorphLiveLinkSource::RequestSourceShutdown()
{
	Client = nullptr;
	return true;
}

FText FKoeMorphLiveLinkSource::GetSourceType() const
{
	return LOCTEXT("SourceType", "KoeMorph");
}

FText FKoeMorphLiveLinkSource::GetSourceMachineName() const
{
	return FText::FromString(FPlatformProcess::ComputerName());
}

FText FKoeMorphLiveLinkSource::GetSourceStatus() const
{
	return LOCTEXT("SourceStatus", "Active");
}

#undef LOCTEXT_NAMESPACE
