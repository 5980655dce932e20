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
	return FKoeMorphModule::PackagedNames(TEXT("models"));
}

TArray<FString> UKoeMorphPreset::PresetNames() const
{
	return FKoeMorphModule::PackagedNames(TEXT("presets"));
}

#if WITH_EDITOR
void UKoeMorphModelAsset::Import()
{
	TArray<uint8> Bytes;
	if (!FFileHelper::LoadFileToArray(Bytes, *SourceFile.FilePath))
	{
		UE_LOG(
			LogKoeMorph, Error, TEXT("%s cannot be read; choose a KoeMorph model (.onnx) as Source File."), *SourceFile.FilePath);
		return;
	}
	Modify();
	Data = MoveTemp(Bytes);
}
#endif
