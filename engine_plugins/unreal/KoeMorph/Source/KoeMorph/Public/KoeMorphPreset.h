// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphControls.h"
#include "KoeMorphPreset.generated.h"

/** Controls of the animation, for any number of components: a bundled preset, the text of a preset file, or single controls. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphPreset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** Name of a bundled preset (Resources/presets), used instead of Controls. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (GetOptions = "PresetNames"))
	FString Name;

	/** Text of a preset file of your own (JSON), used instead of Name and Controls. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (MultiLine))
	FString Json;

	/** Used if Name and Json are empty. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	FKoeMorphControls Controls;

	UFUNCTION()
	TArray<FString> PresetNames() const;
};
