// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "Engine/DeveloperSettings.h"
#include "KoeMorphSettings.generated.h"

class USkeleton;

/** Project settings, under Plugins > KoeMorph. */
UCLASS(Config = Game, DefaultConfig, meta = (DisplayName = "KoeMorph"))
class KOEMORPH_API UKoeMorphSettings : public UDeveloperSettings
{
	GENERATED_BODY()

public:
	/** Name of the bundled model for components with an empty Model Name. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (GetOptions = "ModelNames"))
	FString ModelName = TEXT("koemorph-30");

	/** A model of your own (relative to the project), used instead of Model Name. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (FilePathFilter = "onnx", RelativeToGameDir))
	FFilePath Model;

	/** Skeleton of baked animations. */
	UPROPERTY(Config, EditAnywhere, Category = "Bake")
	TSoftObjectPtr<USkeleton> BakeSkeleton;

	UFUNCTION()
	TArray<FString> ModelNames() const;

	virtual FName GetCategoryName() const override;
};
