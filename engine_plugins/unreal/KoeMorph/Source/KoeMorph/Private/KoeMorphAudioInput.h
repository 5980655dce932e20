#pragma once

#include "CoreMinimal.h"
#include "HAL/CriticalSection.h"
#include "KoeMorphComponent.h"
#include "UObject/WeakObjectPtr.h"

/** Where a source's sound goes. The mixer may hold it longer than the face: it then leads nowhere. */
class FKoeMorphOutlet
{
public:
	/** [game] The voice that hears from now on; null: none. */
	void SetVoice(std::shared_ptr<koemorph_plugin::Voice> NewVoice);

	/** [audio] Interleaved samples in [-1, 1]. The game thread holds the lock for the swap of a pointer only. */
	void Feed(const float* Interleaved, int32 NumSamples, int32 SampleRate, int32 NumChannels);

private:
	FCriticalSection Feeding;
	std::shared_ptr<koemorph_plugin::Voice> Voice;
};

/**
 * Brings sound from one of Unreal's sources; ends with the object. It stays open when a face starts anew with another model,
 * since a sound that plays cannot be given another listener. Game thread.
 */
class FKoeMorphAudioInput
{
public:
	/** Null for Manual, and where there is no such source yet. */
	static TSharedPtr<FKoeMorphAudioInput> Open(
		const UKoeMorphComponent& Component, EKoeMorphInput NewKind, UAudioComponent* Source, USoundSubmix* Submix);

	virtual ~FKoeMorphAudioInput();

	/** Whether this is the input that Open would give. */
	bool Brings(EKoeMorphInput OtherKind, UAudioComponent* OtherSource, USoundSubmix* OtherSubmix) const;

	/** The voice that hears it from now on; null: none. */
	void SetVoice(const std::shared_ptr<koemorph_plugin::Voice>& Voice) { Outlet->SetVoice(Voice); }

	/** Looks after the source: a lost device is waited for. */
	virtual void Update(double Now, bool bSpeaking) {}

protected:
	FKoeMorphAudioInput();

	const TSharedRef<FKoeMorphOutlet, ESPMode::ThreadSafe> Outlet;

private:
	static UObject* Origin(EKoeMorphInput OfKind, UAudioComponent* Source, USoundSubmix* Submix);

	EKoeMorphInput Kind = EKoeMorphInput::Manual;
	TWeakObjectPtr<UObject> From;
};
