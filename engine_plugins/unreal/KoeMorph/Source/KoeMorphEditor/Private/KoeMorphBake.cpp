// Copyright KoeMorph contributors. Licensed under the MIT License.

#include "KoeMorphBake.h"

#include "Animation/AnimSequence.h"
#include "Animation/AnimData/IAnimationDataController.h"
#include "Animation/Skeleton.h"
#include "AssetRegistry/AssetRegistryModule.h"
#include "Curves/RichCurve.h"
#include "KoeMorphModule.h"
#include "KoeMorphSettings.h"
#include "Misc/PackageName.h"
#include "Misc/ScopedSlowTask.h"
#include "Sound/SoundWave.h"
#include "UObject/Package.h"

#define LOCTEXT_NAMESPACE "KoeMorph"

namespace
{
TArray<FKoeMorphFrame> Animate(const USoundWave& Sound, FString& OutError)
{
	TArray<uint8> Bytes;
	uint32 SampleRate = 0;
	uint16 Channels = 0;
	if (!Sound.GetImportedSoundWaveData(Bytes, SampleRate, Channels) || Channels == 0)
	{
		OutError = TEXT("The sound has no imported samples. Streamed and procedural sounds cannot be baked.");
		return {};
	}
	const int16* const Pcm = reinterpret_cast<const int16*>(Bytes.GetData());
	TArray<float> Samples;
	Samples.SetNumUninitialized(Bytes.Num() / static_cast<int32>(sizeof(int16)));
	for (int32 Index = 0; Index < Samples.Num(); ++Index)
	{
		Samples[Index] = static_cast<float>(Pcm[Index]) / 32768.0f;
	}
	return FKoeMorphModule::Get().Animate(Samples, static_cast<int32>(SampleRate), Channels, OutError);
}

void SetCurves(UAnimSequence& Sequence, const TArray<FKoeMorphFrame>& Frames)
{
	IAnimationDataController& Controller = Sequence.GetController();
	const double Step = Frames.Num() > 1 ? Frames[1].Time - Frames[0].Time : 1.0 / 30.0;
	Controller.OpenBracket(LOCTEXT("Bake", "Bake face"), false);
	Controller.InitializeModel();
	Controller.RemoveAllCurvesOfType(ERawCurveTrackTypes::RCT_Float, false);
	Controller.SetFrameRate(FFrameRate(FMath::RoundToInt32(1.0 / Step), 1), false);
	Controller.SetNumberOfFrames(FFrameNumber(Frames.Num()), false);
	const TArray<FName>& Names = FKoeMorphModule::Get().CurveNames();
	for (int32 Index = 0; Index < Names.Num(); ++Index)
	{
		const FAnimationCurveIdentifier Curve(Names[Index], ERawCurveTrackTypes::RCT_Float);
		TArray<FRichCurveKey> Keys;
		for (const FKoeMorphFrame& Frame : Frames)
		{
			Keys.Add(FRichCurveKey(static_cast<float>(Frame.Time), Frame.Weights[Index]));
		}
		Controller.AddCurve(Curve, AACF_Editable, false);
		Controller.SetCurveKeys(Curve, Keys, false);
	}
	Controller.NotifyPopulated();
	Controller.CloseBracket(false);
}
}

UAnimSequence* KoeMorphBake::Bake(USoundWave& Sound, USkeleton& Skeleton, FString& OutError)
{
	const TArray<FKoeMorphFrame> Frames = Animate(Sound, OutError);
	if (Frames.IsEmpty())
	{
		return nullptr;
	}
	const FString Name = Sound.GetName() + TEXT("_Face");
	const FString PackageName = FPackageName::GetLongPackagePath(Sound.GetPackage()->GetName()) + TEXT("/") + Name;
	UPackage* const Package = CreatePackage(*PackageName);
	Package->FullyLoad();
	UObject* const Existing = FindObject<UObject>(Package, *Name);
	UAnimSequence* Sequence = Cast<UAnimSequence>(Existing);
	const bool bNew = Existing == nullptr;
	if (!bNew && Sequence == nullptr) // creating one over it would be a fatal error
	{
		OutError =
			FString::Printf(TEXT("The asset %s exists and is not an animation. Rename the sound or that asset."), *PackageName);
		return nullptr;
	}
	if (bNew)
	{
		Sequence = NewObject<UAnimSequence>(Package, FName(*Name), RF_Public | RF_Standalone);
	}
	Sequence->SetSkeleton(&Skeleton);
	SetCurves(*Sequence, Frames);
	Package->MarkPackageDirty();
	if (bNew)
	{
		FAssetRegistryModule::AssetCreated(Sequence);
	}
	return Sequence;
}

void KoeMorphBake::BakeAll(const TArray<USoundWave*>& Sounds)
{
	USkeleton* const Skeleton = GetDefault<UKoeMorphSettings>()->BakeSkeleton.LoadSynchronous();
	if (Skeleton == nullptr)
	{
		UE_LOG(LogKoeMorph, Error,
			TEXT("Bake failed: no skeleton is set. Set Bake Skeleton in Project Settings > Plugins > KoeMorph."));
		return;
	}
	FScopedSlowTask Task(static_cast<float>(Sounds.Num()), LOCTEXT("Baking", "Baking faces"));
	Task.MakeDialog(true);
	for (USoundWave* const Sound : Sounds)
	{
		if (Task.ShouldCancel())
		{
			return;
		}
		Task.EnterProgressFrame(1.0f, FText::FromString(Sound->GetName()));
		FString Error;
		if (Bake(*Sound, *Skeleton, Error) == nullptr)
		{
			UE_LOG(LogKoeMorph, Error, TEXT("%s was not baked. %s"), *Sound->GetPathName(), *Error);
		}
	}
}

#undef LOCTEXT_NAMESPACE
