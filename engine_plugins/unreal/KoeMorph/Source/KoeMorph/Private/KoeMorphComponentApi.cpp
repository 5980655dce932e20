// Copyright KoeMorph contributors. Licensed under the MIT License.

// Setters, fades, raw audio and queries of UKoeMorphComponent.
#include "KoeMorphComponent.h"

#include "HAL/PlatformTime.h"
#include "KoeMorphAudioInput.h"
#include "KoeMorphModelAsset.h"
#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "KoeMorphPresetControls.h"
#include "Core/FaceStream.h"
#include "Sound/SoundSubmix.h"

void UKoeMorphComponent::SetInput(EKoeMorphInput NewInput)
{
	if (Input != NewInput)
	{
		Input = NewInput;
		Restart();
	}
}

void UKoeMorphComponent::SetSubmix(USoundSubmix* NewSubmix)
{
	if (Input != EKoeMorphInput::Submix || Submix != NewSubmix)
	{
		Submix = NewSubmix;
		Input = EKoeMorphInput::Submix;
		Restart();
	}
}

void UKoeMorphComponent::SetMicrophone(const FString& NewMicrophone)
{
	if (Input != EKoeMorphInput::Microphone || Microphone != NewMicrophone)
	{
		Microphone = NewMicrophone;
		Input = EKoeMorphInput::Microphone;
		Restart();
	}
}

TArray<FString> UKoeMorphComponent::GetMicrophones()
{
	return FKoeMorphAudioInput::Microphones();
}

void UKoeMorphComponent::SetPreset(UKoeMorphPreset* NewPreset)
{
	Preset = NewPreset;
	if (!Stream)
	{
		return;
	}
	koemorph_controls Controls;
	FString Message;
	std::string CoreMessage;
	if (KoeMorphReadPreset(*FKoeMorphModule::Get().GetApi(), Preset, Controls, Message) &&
		!Stream->SetControls(Controls, &CoreMessage))
	{
		Message = UTF8_TO_TCHAR(CoreMessage.c_str());
	}
	ReportError(Message);
}

void UKoeMorphComponent::SetModelName(const FString& NewName)
{
	if (ModelName != NewName)
	{
		ModelName = NewName;
		Restart();
	}
}

void UKoeMorphComponent::SetModel(UKoeMorphModelAsset* NewModel)
{
	if (Model != NewModel)
	{
		Model = NewModel;
		Restart();
	}
}

void UKoeMorphComponent::SetMapName(const FString& NewName)
{
	if (MapName != NewName)
	{
		MapName = NewName;
		Restart();
	}
}

void UKoeMorphComponent::SetMapFile(const FString& NewFile)
{
	if (MapFile.FilePath != NewFile)
	{
		MapFile.FilePath = NewFile;
		Restart();
	}
}

bool UKoeMorphComponent::PreloadModel(const FString& Name)
{
	FString Message;
	const bool bLoaded = FKoeMorphModule::Get().LoadModel(nullptr, Name, Message) != nullptr;
	if (!Message.IsEmpty())
	{
		UE_LOG(LogKoeMorph, Error, TEXT("Model '%s' was not loaded. %s"), *Name, *Message);
	}
	return bLoaded;
}

void UKoeMorphComponent::FadeOut(float Seconds)
{
	if (Stream)
	{
		Stream->FadeOut(FMath::Max(0.0f, Seconds));
	}
}

void UKoeMorphComponent::FadeIn(float Seconds)
{
	if (Stream)
	{
		Stream->FadeIn(FMath::Max(0.0f, Seconds));
	}
}

void UKoeMorphComponent::PushAudio(const TArray<float>& Samples, int32 SampleRate, int32 Channels)
{
	if (Stream && Input == EKoeMorphInput::Manual && Channels > 0)
	{
		Stream->Push(Samples.GetData(), Samples.Num() / Channels, SampleRate, Channels, FPlatformTime::Seconds());
	}
}

float UKoeMorphComponent::GetCurve(FName Name) const
{
	const int32 Index = CurveNames.IndexOfByKey(Name);
	return Index == INDEX_NONE ? 0.0f : Curves[Index];
}

double UKoeMorphComponent::GetPlaybackTime() const
{
	return Stream ? Stream->playback_time() : 0.0;
}

TArray<FString> UKoeMorphComponent::ModelNames() const
{
	return FKoeMorphModule::BundledNames(TEXT("models"));
}

TArray<FString> UKoeMorphComponent::MapNames() const
{
	return FKoeMorphModule::BundledNames(TEXT("maps"));
}
