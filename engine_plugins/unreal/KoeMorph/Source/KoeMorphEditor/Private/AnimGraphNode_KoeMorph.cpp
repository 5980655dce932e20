// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "AnimGraphNode_KoeMorph.h"

#define LOCTEXT_NAMESPACE "KoeMorph"

FText UAnimGraphNode_KoeMorph::GetNodeTitle(ENodeTitleType::Type TitleType) const
{
	return LOCTEXT("NodeTitle", "KoeMorph");
}

FText UAnimGraphNode_KoeMorph::GetTooltipText() const
{
	return LOCTEXT("NodeTooltip",
		"Sets the curves of the KoeMorph component on this actor. For a MetaHuman, place it before the ARKit mapping.");
}

FString UAnimGraphNode_KoeMorph::GetNodeCategory() const
{
	return TEXT("KoeMorph");
}

FLinearColor UAnimGraphNode_KoeMorph::GetNodeTitleColor() const
{
	return FLinearColor(0.1f, 0.5f, 0.4f);
}

#undef LOCTEXT_NAMESPACE
