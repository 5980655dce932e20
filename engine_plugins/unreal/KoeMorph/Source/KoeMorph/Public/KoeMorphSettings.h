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
	/** The model of faces that name none, of those in the plugin. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (GetOptions = "ModelNames"))
	FString ModelName = TEXT("koemorph-30");

	/** A model of your own in its place; relative to the project. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (FilePathFilter = "onnx", RelativeToGameDir))
	FFilePath Model;

	/** ONNX Runtime's library; relative to the project. Empty: the one in the plugin. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (RelativeToGameDir))
	FFilePath OnnxRuntime;

	/** Baked animations are made for this skeleton. */
	UPROPERTY(Config, EditAnywhere, Category = "Bake")
	TSoftObjectPtr<USkeleton> BakeSkeleton;

	UFUNCTION()
	TArray<FString> ModelNames() const;

	virtual FName GetCategoryName() const override;
};
