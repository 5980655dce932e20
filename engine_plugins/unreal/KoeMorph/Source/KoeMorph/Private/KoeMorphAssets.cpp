// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphModelAsset.h"
#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "KoeMorphSettings.h"
#include "Misc/FileHelper.h"

FName UKoeMorphSettings::GetCategoryName() const
{
	return TEXT("Plugins");
}

TArray<FString> UKoeMorphSettings::ModelNames() const
{
	return FKoeMorphModule::BundledNames(TEXT("models"));
}

TArray<FString> UKoeMorphPreset::PresetNames() const
{
	return FKoeMorphModule::BundledNames(TEXT("presets"));
}

#if WITH_EDITOR
void UKoeMorphModelAsset::Import()
{
	TArray<uint8> Bytes;
	if (!FFileHelper::LoadFileToArray(Bytes, *SourceFile.FilePath))
	{
		UE_LOG(LogKoeMorph, Error, TEXT("Import failed: %s cannot be read. Set Source File to a KoeMorph model (.onnx)."),
			*SourceFile.FilePath);
		return;
	}
	Modify();
	Data = MoveTemp(Bytes);
}
#endif
