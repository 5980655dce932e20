// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "ILiveLinkSource.h"

/** Publishes the curves of one component as a Live Link subject, one property per curve. */
class FKoeMorphLiveLinkSource : public ILiveLinkSource
{
public:
	/** Adds a source with one subject; null if the Live Link plugin is not enabled. */
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
