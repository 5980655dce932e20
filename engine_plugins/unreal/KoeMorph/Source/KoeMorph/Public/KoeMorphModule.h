#pragma once

#include "CoreMinimal.h"
#include "Modules/ModuleManager.h"

#include <memory>

namespace koemorph_plugin
{
struct Api;
class Model;
class Retarget;
}

class UKoeMorphModelAsset;

KOEMORPH_API DECLARE_LOG_CATEGORY_EXTERN(LogKoeMorph, Log, All);

/** One computed face. */
struct FKoeMorphFrame
{
	/** Seconds. */
	double Time = 0.0;
	/** In [0, 1], in the order of FKoeMorphModule::CurveNames. */
	TArray<float> Weights;
};

/** Opens the libraries, and hands out models that any number of faces share. Game thread. */
class KOEMORPH_API FKoeMorphModule : public IModuleInterface
{
public:
	// Where Api is complete: of an exported class a compiler would write these wherever it sees the class.
	FKoeMorphModule();
	virtual ~FKoeMorphModule() override;

	static FKoeMorphModule& Get();

	virtual void StartupModule() override;
	virtual void ShutdownModule() override;

	/**
	 * The model of an asset, or for null the plugin's of a name, or for an empty name that of the project
	 * settings. Null, with a sentence, on failure.
	 */
	std::shared_ptr<const koemorph_plugin::Model> LoadModel(
		const UKoeMorphModelAsset* Asset, const FString& ModelName, FString& OutProblem);

	/**
	 * The plugin's retarget map of a name, or a file of your own (relative to the project), for a rig with these
	 * shapes; null for the map's own. Null, with a sentence, on failure.
	 */
	std::shared_ptr<const koemorph_plugin::Retarget> LoadMap(
		const FString& Name, const FString& File, const TArray<FName>* Shapes, FString& OutProblem);

	/** The text of one of the plugin's files (maps, presets). False, with a sentence, on failure. */
	static bool LoadPackaged(const TCHAR* Kind, const FString& Name, FString& OutText, FString& OutProblem);

	/** The names of the plugin's models, maps or presets, in order. */
	static TArray<FString> PackagedNames(const TCHAR* Kind);

	/** The functions of the koemorph library; null without it. */
	const koemorph_plugin::Api* GetApi() const { return Api.Get(); }

	/** Every frame of a recording, without latency. Empty, with a sentence, on failure. */
	TArray<FKoeMorphFrame> Animate(const TArray<float>& Interleaved, int32 SampleRate, int32 Channels, FString& OutProblem);

	/** The 52 curve names, in the order of the weights: EyeBlinkLeft, ... Empty without the library. */
	const TArray<FName>& CurveNames() const { return Names; }

private:
	void* OpenLibrary(const FString& Name) const;
	std::shared_ptr<const koemorph_plugin::Model> MakeModel(const FString& Key, const TArray<uint8>& Bytes, FString& OutProblem);

	void* Library = nullptr;
	void* Runtime = nullptr;
	FString LibraryFolder;
	/** Why there is no library, or empty. */
	FString LibraryProblem;
	TUniquePtr<koemorph_plugin::Api> Api;
	TArray<FName> Names;
	/** By asset or file path; each lives as long as the last face that uses it. */
	TMap<FString, std::weak_ptr<const koemorph_plugin::Model>> Models;
};
