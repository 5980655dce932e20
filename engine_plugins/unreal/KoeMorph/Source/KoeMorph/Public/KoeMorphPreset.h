#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphPreset.generated.h"

/** How voices move faces: shared by any number of components. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphPreset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** The text of a preset file (JSON); the plugin's Resources/presets has examples. Empty: KoeMorph's defaults. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (MultiLine))
	FString Json;

	/** Eyes and brows, times what the text says. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "0", ClampMax = "2"))
	float UpperStrength = 1.0f;

	/** Mouth and cheeks, times what the text says. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "0", ClampMax = "2"))
	float LowerStrength = 1.0f;
};
