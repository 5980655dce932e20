#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphModelAsset.generated.h"

/** A KoeMorph model inside the project: cooked and packaged like any other asset. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphModelAsset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** The .onnx file; press Import after changing it. */
	UPROPERTY(EditAnywhere, Category = "KoeMorph", meta = (FilePathFilter = "onnx"))
	FFilePath SourceFile;

	/** The file's bytes. */
	UPROPERTY()
	TArray<uint8> Data;

#if WITH_EDITOR
	/** Reads SourceFile into this asset. */
	UFUNCTION(CallInEditor, Category = "KoeMorph")
	void Import();
#endif
};
