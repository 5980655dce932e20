#include "KoeMorphModule.h"

#include "HAL/FileManager.h"
#include "HAL/PlatformProcess.h"
#include "Interfaces/IPluginManager.h"
#include "KoeMorphModelAsset.h"
#include "KoeMorphSettings.h"
#include "Misc/FileHelper.h"
#include "Misc/Paths.h"
#include "Core/Model.h"
#include "Core/Retarget.h"
#include "Core/Voice.h"

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

/** Models are .onnx files, all else is .json. */
FString Ending(const TCHAR* Kind)
{
	return FString(Kind) == TEXT("models") ? TEXT(".onnx") : TEXT(".json");
}

/** A path from a setting: relative to the project. */
FString ProjectFile(const FString& Path)
{
	return FPaths::IsRelative(Path) ? FPaths::Combine(FPaths::ProjectDir(), Path) : Path;
}

/** What is wrong where a file of the plugin is missing. */
FString NoneOf(const TCHAR* Kind, const FString& Name)
{
	const TArray<FString> Names = FKoeMorphModule::PackagedNames(Kind);
	if (Names.IsEmpty())
	{
		return FString::Printf(
			TEXT("There are no %s in %s: install the plugin anew, or choose a file of your own."), Kind, *ResourceFolder(Kind));
	}
	return FString::Printf(
		TEXT("There is no '%s' among the plugin's %s: choose one of %s."), *Name, Kind, *FString::Join(Names, TEXT(", ")));
}

FString LibraryFile(const TCHAR* Name)
{
#if PLATFORM_WINDOWS
	return FString::Printf(TEXT("%s.dll"), Name);
#elif PLATFORM_MAC
	return FString::Printf(TEXT("lib%s.dylib"), Name);
#else
	return FString::Printf(TEXT("lib%s.so"), Name);
#endif
}

#if PLATFORM_WINDOWS
const TCHAR* const PlatformFolder = TEXT("Win64");
#elif PLATFORM_MAC
const TCHAR* const PlatformFolder = TEXT("Mac");
#else
const TCHAR* const PlatformFolder = TEXT("Linux");
#endif
}

FKoeMorphModule::FKoeMorphModule() = default;
FKoeMorphModule::~FKoeMorphModule() = default;

FKoeMorphModule& FKoeMorphModule::Get()
{
	return FModuleManager::LoadModuleChecked<FKoeMorphModule>("KoeMorph");
}

void FKoeMorphModule::StartupModule()
{
	LibraryFolder = FPaths::Combine(PluginFolder(), TEXT("Source/ThirdParty/KoeMorphLibrary/lib"), PlatformFolder);
#if KOEMORPH_STATIC
	const koemorph_plugin::FindSymbol Find;
#else
	// ONNX Runtime first: the koemorph library then finds it where it looks by itself, too.
	Runtime = OpenLibrary(LibraryFile(TEXT("onnxruntime")));
	Library = OpenLibrary(LibraryFile(TEXT("koemorph")));
	if (Library == nullptr)
	{
		LibraryProblem = FString::Printf(TEXT("The koemorph library cannot be opened; it should be in %s. Install the plugin "
											  "with the library of this platform."),
			*LibraryFolder);
		UE_LOG(LogKoeMorph, Error, TEXT("%s"), *LibraryProblem);
		return;
	}
	const koemorph_plugin::FindSymbol Find = [this](const char* Name) {
		return FPlatformProcess::GetDllExport(Library, ANSI_TO_TCHAR(Name));
	};
#endif
	TUniquePtr<koemorph_plugin::Api> Found = MakeUnique<koemorph_plugin::Api>();
	std::string Problem;
	if (!koemorph_plugin::LoadApi(Find, Found.Get(), &Problem))
	{
		LibraryProblem = UTF8_TO_TCHAR(Problem.c_str());
		UE_LOG(LogKoeMorph, Error, TEXT("%s"), *LibraryProblem);
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
	// Faces that still live hold their models; the library goes only when nothing can call it any more.
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
	if (Runtime != nullptr)
	{
		FPlatformProcess::FreeDllHandle(Runtime);
		Runtime = nullptr;
	}
}

void* FKoeMorphModule::OpenLibrary(const FString& Name) const
{
#if PLATFORM_ANDROID
	return FPlatformProcess::GetDllHandle(*Name); // from the application's own lib folder
#else
	FPlatformProcess::PushDllDirectory(*LibraryFolder);
	void* const Handle = FPlatformProcess::GetDllHandle(*FPaths::Combine(LibraryFolder, Name));
	FPlatformProcess::PopDllDirectory(*LibraryFolder);
	return Handle;
#endif
}

TArray<FString> FKoeMorphModule::PackagedNames(const TCHAR* Kind)
{
	TArray<FString> Found;
	IFileManager::Get().FindFiles(Found, *FPaths::Combine(ResourceFolder(Kind), FString(TEXT("*")) + Ending(Kind)), true, false);
	for (FString& Name : Found)
	{
		Name = FPaths::GetBaseFilename(Name);
	}
	Found.Sort();
	return Found;
}

bool FKoeMorphModule::LoadPackaged(const TCHAR* Kind, const FString& Name, FString& OutText, FString& OutProblem)
{
	if (FFileHelper::LoadFileToString(OutText, *FPaths::Combine(ResourceFolder(Kind), Name + Ending(Kind))))
	{
		return true;
	}
	OutProblem = NoneOf(Kind, Name);
	return false;
}

std::shared_ptr<const koemorph_plugin::Retarget> FKoeMorphModule::LoadMap(
	const FString& Name, const FString& File, const TArray<FName>* Shapes, FString& OutProblem)
{
	if (!Api)
	{
		OutProblem = LibraryProblem;
		return nullptr;
	}
	FString Json;
	if (File.IsEmpty())
	{
		if (!LoadPackaged(TEXT("maps"), Name, Json, OutProblem))
		{
			return nullptr;
		}
	}
	else if (!FFileHelper::LoadFileToString(Json, *ProjectFile(File)))
	{
		OutProblem = FString::Printf(TEXT("The map %s cannot be read; choose a KoeMorph map (.json)."), *ProjectFile(File));
		return nullptr;
	}
	std::vector<std::string> Rig;
	for (int32 Index = 0; Shapes != nullptr && Index < Shapes->Num(); ++Index)
	{
		Rig.push_back(TCHAR_TO_UTF8(*(*Shapes)[Index].ToString()));
	}
	std::string Problem;
	std::shared_ptr<const koemorph_plugin::Retarget> Map =
		koemorph_plugin::Retarget::Load(*Api, TCHAR_TO_UTF8(*Json), Shapes != nullptr ? &Rig : nullptr, &Problem);
	OutProblem = UTF8_TO_TCHAR(Problem.c_str());
	return Map;
}

std::shared_ptr<const koemorph_plugin::Model> FKoeMorphModule::LoadModel(
	const UKoeMorphModelAsset* Asset, const FString& ModelName, FString& OutProblem)
{
	if (!Api)
	{
		OutProblem = LibraryProblem;
		return nullptr;
	}
	const UKoeMorphSettings* const Settings = GetDefault<UKoeMorphSettings>();
	const FString Name = ModelName.IsEmpty() ? Settings->ModelName : ModelName;
	const bool bOwn = ModelName.IsEmpty() && !Settings->Model.FilePath.IsEmpty();
	const FString Path = bOwn ? ProjectFile(Settings->Model.FilePath)
							  : FPaths::Combine(ResourceFolder(TEXT("models")), Name + Ending(TEXT("models")));
	const FString Key = Asset != nullptr ? Asset->GetPathName() : Path;
	if (const std::weak_ptr<const koemorph_plugin::Model>* const Known = Models.Find(Key))
	{
		if (std::shared_ptr<const koemorph_plugin::Model> Model = Known->lock())
		{
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
		OutProblem = bOwn ? FString::Printf(TEXT("The model %s cannot be read; choose another in Project Settings > Plugins > "
												 "KoeMorph."),
								*Path)
						  : NoneOf(TEXT("models"), Name);
		return nullptr;
	}
	return MakeModel(Key, Bytes, OutProblem);
}

std::shared_ptr<const koemorph_plugin::Model> FKoeMorphModule::MakeModel(
	const FString& Key, const TArray<uint8>& Bytes, FString& OutProblem)
{
	const FString Own = GetDefault<UKoeMorphSettings>()->OnnxRuntime.FilePath;
	const FString Bundled = FPaths::Combine(LibraryFolder, LibraryFile(TEXT("onnxruntime")));
	FString RuntimePath;
	if (!Own.IsEmpty() || FPaths::FileExists(Bundled))
	{
		// The engine's paths are relative to the executable's folder, which only the engine's own functions know.
		RuntimePath = FPaths::ConvertRelativePathToFull(Own.IsEmpty() ? Bundled : ProjectFile(Own));
	}
	std::string Problem;
	std::shared_ptr<const koemorph_plugin::Model> Model = koemorph_plugin::Model::Load(
		*Api, Bytes.GetData(), static_cast<size_t>(Bytes.Num()), TCHAR_TO_UTF8(*RuntimePath), &Problem);
	if (!Model)
	{
		OutProblem = UTF8_TO_TCHAR(Problem.c_str());
		return nullptr;
	}
	Models.Add(Key, Model);
	return Model;
}

TArray<FKoeMorphFrame> FKoeMorphModule::Animate(
	const TArray<float>& Interleaved, int32 SampleRate, int32 Channels, FString& OutProblem)
{
	TArray<FKoeMorphFrame> Frames;
	const std::shared_ptr<const koemorph_plugin::Model> Model = LoadModel(nullptr, FString(), OutProblem);
	if (!Model)
	{
		return Frames;
	}
	std::string Problem;
	for (const koemorph_plugin::Frame& Frame : koemorph_plugin::Animate(
			 *Model, Interleaved.GetData(), static_cast<size_t>(Interleaved.Num() / Channels), SampleRate, Channels, &Problem))
	{
		Frames.Add({Frame.time, TArray<float>(Frame.weights, KOEMORPH_BLENDSHAPE_COUNT)});
	}
	OutProblem = UTF8_TO_TCHAR(Problem.c_str());
	return Frames;
}
