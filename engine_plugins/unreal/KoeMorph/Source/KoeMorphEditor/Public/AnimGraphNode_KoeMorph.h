// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "AnimGraphNode_Base.h"
#include "AnimNode_KoeMorph.h"
#include "CoreMinimal.h"
#include "AnimGraphNode_KoeMorph.generated.h"

/** The KoeMorph node in the Animation Blueprint editor. */
UCLASS()
class KOEMORPHEDITOR_API UAnimGraphNode_KoeMorph : public UAnimGraphNode_Base
{
	GENERATED_BODY()

public:
	UPROPERTY(EditAnywhere, Category = "KoeMorph")
	FAnimNode_KoeMorph Node;

	virtual FText GetNodeTitle(ENodeTitleType::Type TitleType) const override;
	virtual FText GetTooltipText() const override;
	virtual FString GetNodeCategory() const override;
	virtual FLinearColor GetNodeTitleColor() const override;
};
