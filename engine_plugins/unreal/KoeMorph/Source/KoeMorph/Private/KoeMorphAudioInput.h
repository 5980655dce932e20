// Copyright KoeMorph contributors. Licensed under the MIT License.

#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "KoeMorphComponent.h"
#include "UObject/WeakObjectPtr.h"

/** Passes audio to a stream. The mixer may keep it longer than the component exists; then it has no stream. */
class FKoeMorphAudioSink
{
public:
	/** [game] Null: audio is dropped. */
	void SetStream(std::shared_ptr<koemorph_plugin::FaceStream> NewStream);

	/** [audio] Interleaved samples in [-1, 1]. The game thread holds the lock only to swap a pointer. */
	void Push(const float* Interleaved, int32 NumSamples, int32 SampleRate, int32 NumChannels);

private:
	FCriticalSection StreamLock;
	std::shared_ptr<koemorph_plugin::FaceStream> Stream;
};

/**
 * Receives audio from one source of the engine until it is destroyed. It is kept while the stream restarts, because a sound that
 * is playing cannot get another listener. Game thread.
 */
class FKoeMorphAudioInput
{
public:
	/** Null for Manual, and if the source is missing. */
	static TSharedPtr<FKoeMorphAudioInput> Open(const UKoeMorphComponent& Component, EKoeMorphInput NewKind,
		UAudioComponent* Source, USoundSubmix* Submix, const FString& Microphone);

	/** Names of the connected microphones. */
	static TArray<FString> Microphones();

	virtual ~FKoeMorphAudioInput();

	/** Whether Open with these arguments would return an equal input. */
	bool Matches(
		EKoeMorphInput OtherKind, UAudioComponent* OtherSource, USoundSubmix* OtherSubmix, const FString& OtherDevice) const;

	/** Null: audio is dropped. */
	void SetStream(const std::shared_ptr<koemorph_plugin::FaceStream>& Stream) { Sink->SetStream(Stream); }

	/** Opens a lost device again. */
	virtual void Update(double Now, bool bSpeaking) {}

protected:
	FKoeMorphAudioInput();

	const TSharedRef<FKoeMorphAudioSink, ESPMode::ThreadSafe> Sink;

private:
	static UObject* SourceObject(EKoeMorphInput OfKind, UAudioComponent* Source, USoundSubmix* Submix);

	EKoeMorphInput Kind = EKoeMorphInput::Manual;
	TWeakObjectPtr<UObject> Object;
	FString Device;
};
