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
	/** The model of faces that name none; relative to the project. Empty: the one in the plugin. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph", meta = (FilePathFilter = "onnx", RelativeToGameDir))
	FFilePath Model;

	/** ONNX Runtime's library. Empty: the one in the plugin. */
	UPROPERTY(Config, EditAnywhere, Category = "KoeMorph")
	FFilePath OnnxRuntime;

	/** Baked animations are made for this skeleton. */
	UPROPERTY(Config, EditAnywhere, Category = "Bake")
	TSoftObjectPtr<USkeleton> BakeSkeleton;

	virtual FName GetCategoryName() const override;
};
