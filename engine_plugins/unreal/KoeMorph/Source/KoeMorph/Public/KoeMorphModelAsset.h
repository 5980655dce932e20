// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "Engine/DataAsset.h"
#include "KoeMorphModelAsset.generated.h"

/** A KoeMorph model as an asset, which is cooked with the project. */
UCLASS(BlueprintType)
class KOEMORPH_API UKoeMorphModelAsset : public UDataAsset
{
	GENERATED_BODY()

public:
	/** The .onnx file. Press Import after changing it. */
	UPROPERTY(EditAnywhere, Category = "KoeMorph", meta = (FilePathFilter = "onnx"))
	FFilePath SourceFile;

	/** Content of the file. */
	UPROPERTY()
	TArray<uint8> Data;

#if WITH_EDITOR
	/** Reads SourceFile into this asset. */
	UFUNCTION(CallInEditor, Category = "KoeMorph")
	void Import();
#endif
};
