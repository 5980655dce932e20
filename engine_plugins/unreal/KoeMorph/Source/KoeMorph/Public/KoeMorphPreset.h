#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphPreset.generated.h"

/** How strongly a face speaks: shared by any number of components. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphPreset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** Multiplies every curve. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "0", ClampMax = "2"))
	float Strength = 1.0f;

	/** Multiplies single curves, by their names (JawOpen, MouthClose, ...). */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	TMap<FName, float> CurveStrengths;

	/** Seconds by which the face follows the voice later (positive) or earlier. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (ClampMin = "-0.3", ClampMax = "0.3"))
	float Delay = 0.0f;
};
