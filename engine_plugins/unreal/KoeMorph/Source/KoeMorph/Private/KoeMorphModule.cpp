// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphModule.h"

#include "HAL/FileManager.h"
#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "KoeMorphModelAsset.h"
#include "KoeMorphSettings.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "Core/Model.h"
#include "Core/RetargetMap.h"
#include "Core/FaceStream.h"

#if KOEMORPH_STATIC
#include <dlfcn.h>
#endif

DEFINE_LOG_CATEGORY(LogKoeMorph);
IMPLEMENT_MODULE(FKoeMorphModule, KoeMorph)

namespace
{
FString PluginFolder()
{
	return IPluginManager::Get().FindPlugin(TEXT("KoeMorph"))->GetBaseDir();
}

FString ResourceFolder(const TCHAR* Kind)
{
	return FPaths::Combine(PluginFolder(), TEXT("Resources"), Kind);
}

/** Models are .onnx files, all others .json. */
FString Extension(const TCHAR* Kind)
{
	return FString(Kind) == TEXT("models") ? TEXT(".onnx") : TEXT(".json");
}

/** A path from a setting: relative to the project. */
FString ProjectFile(const FString& Path)
{
	return FPaths::IsRelative(Path) ? FPaths::Combine(FPaths::ProjectDir(), Path) : Path;
}

FString MissingAssetMessage(const TCHAR* Kind, const FString& Name)
{
	const TArray<FString> Names = FKoeMorphModule::BundledNames(Kind);
	if (Names.IsEmpty())
	{
		return FString::Printf(
			TEXT("No bundled %s: %s is empty. Reinstall the plugin, or set a file of your own."), Kind, *ResourceFolder(Kind));
	}
	return FString::Printf(
		TEXT("Unknown name: '%s' is not one of the bundled %s. Use one of %s."), *Name, Kind, *FString::Join(Names, TEXT(", ")));
}

#if PLATFORM_WINDOWS
const TCHAR* const LibraryFile = TEXT("koemorph.dll");
const TCHAR* const PlatformFolder = TEXT("Win64");
#elif PLATFORM_MAC
const TCHAR* const LibraryFile = TEXT("libkoemorph.dylib");
const TCHAR* const PlatformFolder = TEXT("Mac");
#else
const TCHAR* const LibraryFile = TEXT("libkoemorph.so");
const TCHAR* const PlatformFolder = TEXT("Linux");
#endif

/** Number of models that stay loaded without a component. */
constexpr size_t MaxRecentModels = 2;
}

FKoeMorphModule::FKoeMorphModule() = default;
FKoeMorphModule::~FKoeMorphModule() = default;

FKoeMorphModule& FKoeMorphModule::Get()
{
	return FModuleManager::LoadModuleChecked<FKoeMorphModule>("KoeMorph");
}

void FKoeMorphModule::StartupModule()
{
	// A dedicated server displays no face. The classes exist there, because its maps and Blueprints refer to them.
	if (IsRunningDedicatedServer())
	{
		return;
	}
	LibraryFolder = FPaths::Combine(PluginFolder(), TEXT("Source/ThirdParty/KoeMorphLibrary/lib"), PlatformFolder);
#if KOEMORPH_STATIC
	const koemorph_plugin::FindSymbol Find;
#else
	Library = OpenLibrary();
	if (Library == nullptr)
	{
		LibraryError = FString::Printf(TEXT("Missing library: the koemorph library cannot be loaded from %s. Install the "
											"plugin with the library of this platform."),
			*LibraryFolder);
		UE_LOG(LogKoeMorph, Error, TEXT("%s"), *LibraryError);
		return;
	}
	const koemorph_plugin::FindSymbol Find = [this](const char* Name) {
		return FPlatformProcess::GetDllExport(Library, ANSI_TO_TCHAR(Name));
	};
#endif
	TUniquePtr<koemorph_plugin::Api> Found = MakeUnique<koemorph_plugin::Api>();
	std::string Error;
	if (!koemorph_plugin::LoadApi(Find, Found.Get(), &Error))
	{
		LibraryError = UTF8_TO_TCHAR(Error.c_str());
		UE_LOG(LogKoeMorph, Error, TEXT("%s"), *LibraryError);
		return;
	}
	Api = MoveTemp(Found);
	for (int32 Index = 0; Index < KOEMORPH_BLENDSHAPE_COUNT; ++Index)
	{
		Names.Add(FName(UTF8_TO_TCHAR(koemorph_plugin::CurveName(*Api, Index).c_str())));
	}
}

void FKoeMorphModule::ShutdownModule()
{
	// Remaining components hold models; the library is unloaded only if nothing can call it.
	RecentModels.clear();
	bool bInUse = false;
	for (const TPair<FString, std::weak_ptr<const koemorph_plugin::Model>>& Entry : Models)
	{
		bInUse |= !Entry.Value.expired();
	}
	Models.Empty();
	Api.Reset();
	if (bInUse)
	{
		return;
	}
	if (Library != nullptr)
	{
		FPlatformProcess::FreeDllHandle(Library);
		Library = nullptr;
	}
}

void* FKoeMorphModule::OpenLibrary() const
{
#if PLATFORM_ANDROID
	return FPlatformProcess::GetDllHandle(LibraryFile); // from the application's lib folder
#else
	return FPlatformProcess::GetDllHandle(*FPaths::Combine(LibraryFolder, LibraryFile));
#endif
}

TArray<FString> FKoeMorphModule::BundledNames(const TCHAR* Kind)
{
	TArray<FString> Found;
	IFileManager::Get().FindFiles(
		Found, *FPaths::Combine(ResourceFolder(Kind), FString(TEXT("*")) + Extension(Kind)), true, false);
	for (FString& Name : Found)
	{
		Name = FPaths::GetBaseFilename(Name);
	}
	Found.Sort();
	return Found;
}

bool FKoeMorphModule::LoadBundled(const TCHAR* Kind, const FString& Name, FString& OutText, FString& OutError)
{
	if (FFileHelper::LoadFileToString(OutText, *FPaths::Combine(ResourceFolder(Kind), Name + Extension(Kind))))
	{
		return true;
	}
	OutError = MissingAssetMessage(Kind, Name);
	return false;
}

std::shared_ptr<const koemorph_plugin::RetargetMap> FKoeMorphModule::LoadMap(
	const FString& Name, const FString& File, const TArray<FName>* Shapes, FString& OutError)
{
	if (!Api)
	{
		OutError = LibraryError;
		return nullptr;
	}
	FString Json;
	if (File.IsEmpty())
	{
		if (!LoadBundled(TEXT("maps"), Name, Json, OutError))
		{
			return nullptr;
		}
	}
	else if (!FFileHelper::LoadFileToString(Json, *ProjectFile(File)))
	{
		OutError =
			FString::Printf(TEXT("Retarget map %s cannot be read. Set Map File to a KoeMorph map (.json)."), *ProjectFile(File));
		return nullptr;
	}
	std::vector<std::string> Rig;
	for (int32 Index = 0; Shapes != nullptr && Index < Shapes->Num(); ++Index)
	{
		Rig.push_back(TCHAR_TO_UTF8(*(*Shapes)[Index].ToString()));
	}
	std::string Error;
	std::shared_ptr<const koemorph_plugin::RetargetMap> Map =
		koemorph_plugin::RetargetMap::Load(*Api, TCHAR_TO_UTF8(*Json), Shapes != nullptr ? &Rig : nullptr, &Error);
	OutError = UTF8_TO_TCHAR(Error.c_str());
	return Map;
}

std::shared_ptr<const koemorph_plugin::Model> FKoeMorphModule::LoadModel(
	const UKoeMorphModelAsset* Asset, const FString& ModelName, FString& OutError)
{
	if (!Api)
	{
		OutError = LibraryError;
		return nullptr;
	}
	const UKoeMorphSettings* const Settings = GetDefault<UKoeMorphSettings>();
	const FString Name = ModelName.IsEmpty() ? Settings->ModelName : ModelName;
	const bool bCustom = ModelName.IsEmpty() && !Settings->Model.FilePath.IsEmpty();
	const FString Path = bCustom ? ProjectFile(Settings->Model.FilePath)
								 : FPaths::Combine(ResourceFolder(TEXT("models")), Name + Extension(TEXT("models")));
	const FString Key = Asset != nullptr ? Asset->GetPathName() : Path;
	if (const std::weak_ptr<const koemorph_plugin::Model>* const Known = Models.Find(Key))
	{
		if (std::shared_ptr<const koemorph_plugin::Model> Model = Known->lock())
		{
			KeepLoaded(Model);
			return Model;
		}
	}

	TArray<uint8> Bytes;
	if (Asset != nullptr)
	{
		Bytes = Asset->Data;
	}
	else if (!FFileHelper::LoadFileToArray(Bytes, *Path))
	{
		OutError = bCustom ? FString::Printf(TEXT("Model %s cannot be read. Set Model in Project Settings > Plugins > "
												  "KoeMorph."),
								 *Path)
						   : MissingAssetMessage(TEXT("models"), Name);
		return nullptr;
	}
	return CreateModel(Key, Bytes, OutError);
}

void FKoeMorphModule::KeepLoaded(const std::shared_ptr<const koemorph_plugin::Model>& Model)
{
	std::erase(RecentModels, Model);
	RecentModels.push_back(Model);
	if (RecentModels.size() > MaxRecentModels)
	{
		RecentModels.erase(RecentModels.begin());
	}
}

std::shared_ptr<const koemorph_plugin::Model> FKoeMorphModule::CreateModel(
	const FString& Key, const TArray<uint8>& Bytes, FString& OutError)
{
	std::string Error;
	std::shared_ptr<const koemorph_plugin::Model> Model =
		koemorph_plugin::Model::Load(*Api, Bytes.GetData(), static_cast<size_t>(Bytes.Num()), &Error);
	if (!Model)
	{
		OutError = UTF8_TO_TCHAR(Error.c_str());
		return nullptr;
	}
	Models.Add(Key, Model);
	KeepLoaded(Model);
	return Model;
}

TArray<FKoeMorphFrame> FKoeMorphModule::Animate(
	const TArray<float>& Interleaved, int32 SampleRate, int32 Channels, FString& OutError)
{
	TArray<FKoeMorphFrame> Frames;
	const std::shared_ptr<const koemorph_plugin::Model> Model = LoadModel(nullptr, FString(), OutError);
	if (!Model)
	{
		return Frames;
	}
	std::string Error;
	for (const koemorph_plugin::Frame& Frame : koemorph_plugin::Animate(
			 *Model, Interleaved.GetData(), static_cast<size_t>(Interleaved.Num() / Channels), SampleRate, Channels, &Error))
	{
		Frames.Add({Frame.time, TArray<float>(Frame.weights, KOEMORPH_BLENDSHAPE_COUNT)});
	}
	OutError = UTF8_TO_TCHAR(Error.c_str());
	return Frames;
}
