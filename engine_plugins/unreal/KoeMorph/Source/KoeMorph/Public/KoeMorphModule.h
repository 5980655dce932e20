// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "Modules/ModuleManager.h"

#include <memory>
#include <vector>

namespace koemorph_plugin
{
struct Api;
class Model;
class RetargetMap;
}

class UKoeMorphModelAsset;

KOEMORPH_API DECLARE_LOG_CATEGORY_EXTERN(LogKoeMorph, Log, All);

/** One animation frame. */
struct FKoeMorphFrame
{
	/** Seconds. */
	double Time = 0.0;
	/** In [0, 1], in the order of FKoeMorphModule::CurveNames. */
	TArray<float> Weights;
};

/** Opens the libraries and loads models, which components share. Game thread. */
class KOEMORPH_API FKoeMorphModule : public IModuleInterface
{
public:
	// Defined where Api is complete: a compiler generates those of an exported class wherever it sees the class.
	FKoeMorphModule();
	virtual ~FKoeMorphModule() override;

	static FKoeMorphModule& Get();

	virtual void StartupModule() override;
	virtual void ShutdownModule() override;

	/**
	 * The model of an asset; for null the bundled model of this name; for an empty name that of the project settings. The
	 * models used last stay loaded. Null, with an error message, on failure; on a dedicated server null without one.
	 */
	std::shared_ptr<const koemorph_plugin::Model> LoadModel(
		const UKoeMorphModelAsset* Asset, const FString& ModelName, FString& OutError);

	/**
	 * The bundled retarget map of this name, or a file (relative to the project), for a rig with these blend shapes; null for
	 * the names of the map. Null, with an error message, on failure.
	 */
	std::shared_ptr<const koemorph_plugin::RetargetMap> LoadMap(
		const FString& Name, const FString& File, const TArray<FName>* Shapes, FString& OutError);

	/** Text of a bundled map or preset. False, with an error message, on failure. */
	static bool LoadBundled(const TCHAR* Kind, const FString& Name, FString& OutText, FString& OutError);

	/** Names of the bundled models, maps or presets, sorted. */
	static TArray<FString> BundledNames(const TCHAR* Kind);

	/** Functions of the koemorph library; null if it is not loaded. */
	const koemorph_plugin::Api* GetApi() const { return Api.Get(); }

	/** Computes every frame of a recording, without latency. Empty, with an error message, on failure. */
	TArray<FKoeMorphFrame> Animate(const TArray<float>& Interleaved, int32 SampleRate, int32 Channels, FString& OutError);

	/** The 52 curve names in the order of the weights: EyeBlinkLeft, ... Empty if the library is not loaded. */
	const TArray<FName>& CurveNames() const { return Names; }

private:
	void* OpenLibrary() const;
	std::shared_ptr<const koemorph_plugin::Model> CreateModel(const FString& Key, const TArray<uint8>& Bytes, FString& OutError);

	void KeepLoaded(const std::shared_ptr<const koemorph_plugin::Model>& Model);

	void* Library = nullptr;
	FString LibraryFolder;
	/** Why the library is not loaded; empty if it is. */
	FString LibraryError;
	TUniquePtr<koemorph_plugin::Api> Api;
	TArray<FName> Names;
	/** By asset or file path. */
	TMap<FString, std::weak_ptr<const koemorph_plugin::Model>> Models;
	/** Keeps the models used last loaded, because loading one takes much longer than starting a stream. */
	std::vector<std::shared_ptr<const koemorph_plugin::Model>> RecentModels;
};
