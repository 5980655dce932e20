#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphControls.h"
#include "KoeMorphPreset.generated.h"

/** How voices move faces: shared by any number of components. Named, or as text, or control by control. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphPreset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** One of the plugin's presets (Resources/presets), which then says everything. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (GetOptions = "PresetNames"))
	FString Name;

	/** The text of a preset file of your own (JSON), in its place. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph", meta = (MultiLine))
	FString Json;

	/** Every control there is; they hold while neither a name nor a text is given. */
	UPROPERTY(EditAnywhere, BlueprintReadWrite, Category = "KoeMorph")
	FKoeMorphControls Controls;

	UFUNCTION()
	TArray<FString> PresetNames() const;
};
