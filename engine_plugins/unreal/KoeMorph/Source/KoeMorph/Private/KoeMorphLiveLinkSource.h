#pragma once

#include "CoreMinimal.h"
#include "ILiveLinkSource.h"

/** Publishes one face as a Live Link subject with one property a curve. */
class FKoeMorphLiveLinkSource : public ILiveLinkSource
{
public:
	/** Adds a source for one subject to Live Link; null where Live Link is not there. */
	static TSharedPtr<FKoeMorphLiveLinkSource> Add(FName InSubject, const TArray<FName>& InCurves);

	void Push(const TArray<float>& Weights, double Now);
	void Remove();

	virtual void ReceiveClient(ILiveLinkClient* InClient, FGuid InSourceGuid) override;
	virtual bool IsSourceStillValid() const override { return Client != nullptr; }
	virtual bool RequestSourceShutdown() override;
	virtual FText GetSourceType() const override;
	virtual FText GetSourceMachineName() const override;
	virtual FText GetSourceStatus() const override;

private:
	ILiveLinkClient* Client = nullptr;
	FGuid Guid;
	FName Subject;
	TArray<FName> Curves;
};
