// Behavior in a game: sounds that already play, pauses, PlaySpeech, invalid presets, and event
// listeners.
#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "component_tests.h"

namespace {

Sound FirstSeconds(const Sound& sound, int seconds) {
  const auto end = sound.samples.begin() + seconds * sound.rate * sound.channels;
  return {{sound.samples.begin(), end}, sound.rate, sound.channels};
}

// An auto-activated audio component plays before the component begins.
void AlreadyPlaying(const Sound& sound) {
  Level level;
  level.actor()->StubBeginning = true;
  level.audio->Play();
  level.Begin();
  level.actor()->StubBeginning = false;
  Expect(level.audio->StubPlays == 2, "a sound that started in this frame is restarted");
  ExpectNoMessages();
  PlaySamples(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(), "the source has audio");

  level.face->SetModelName(TEXT("koemorph-60"));
  Expect(level.AtRest(), "another model restarts the stream");
  PlaySamples(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.audio->StubPlays == 2 && level.face->IsSpeaking() && !level.AtRest(),
         "the playing sound is used without a restart");

  UAudioComponent* const other = level.actor()->StubAdd<UAudioComponent>();
  other->Play();
  level.face->SetAudioComponent(other);
  ExpectLine({"already playing", "next Play"});
  Expect(other->StubPlays == 1, "a playing sound is not restarted");
  level.audio = other;
  other->Play();
  PlaySamples(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(), "its next Play is used");
  ExpectNoMessages();
}

// In a paused game the mixer delivers no audio and the weights stay; audio of a menu is followed.
void Pause(const Sound& sound) {
  bool& paused = StubDefault<UWorld>()->StubPaused;
  Level level;
  level.Begin();
  Expect(level.face->PrimaryComponentTick.bTickEvenWhenPaused, "the component ticks during pauses");
  level.audio->Play();
  const Sound second = FirstSeconds(sound, 1);
  PlaySamples(level, second, Played(level), [] {});
  paused = true;
  for (int i = 0; i < 20; ++i) level.Tick(1.0 / 60);
  const std::vector<float> face = level.Curves();
  const double time = level.face->GetPlaybackTime();
  Expect(!level.AtRest(), "a pause keeps the weights");
  for (int i = 0; i < 300; ++i) level.Tick(1.0 / 60);
  Expect(level.Curves() == face && level.face->GetPlaybackTime() == time,
         "no time passes during a pause");
  paused = false;
  PlaySamples(level, second, Played(level), [] {});
  const double later = level.face->GetPlaybackTime();
  Expect(later > time + 0.7 && later < time + 1.1, "the time continues after the pause");
  Expect(level.face->OnVoiceStarted.StubCalls == 1 && level.face->OnVoiceStopped.StubCalls == 0,
         "a pause is not a stop");
  paused = true;
  PlaySamples(level, second, Played(level), [] {});
  Expect(level.face->GetPlaybackTime() > later + 0.7, "audio during a pause is followed");
  for (int i = 0; i < 60; ++i) level.Tick(1.0 / 60);
  Expect(level.face->OnVoiceStopped.StubCalls == 1 && level.AtRest(),
         "a stop during a pause is detected");
  paused = false;
  PlaySamples(level, second, Played(level), [] {});
  for (int i = 0; i < 60; ++i) level.Tick(1.0 / 60);
  Expect(level.face->OnVoiceStopped.StubCalls == 2, "a stop after a pause is detected");
  level.Tick(5);  // the app was suspended
  level.Tick(1.0 / 60);
  Expect(level.face->GetStream()->Info().dropped_samples == 0, "no sample was dropped");
  ExpectNoMessages();
}

void PlaySpeechOnActor() {
  Level level;
  AActor* const actor = level.actor();
  std::erase(actor->StubComponents, level.audio);
  USceneComponent* const root = actor->StubAdd<USceneComponent>();
  level.Begin();
  USoundBase first, second;
  level.face->PlaySpeech(&first);
  std::vector<UAudioComponent*> components;
  for (UActorComponent* const component : actor->StubComponents)
    if (auto* const stream = dynamic_cast<UAudioComponent*>(component))
      components.push_back(stream);
  Expect(components.size() == 1 && components[0]->StubParent == root,
         "the sound plays at the actor");
  Expect(components[0]->StubSound == &first && components[0]->StubListener.IsValid(),
         "the sound has the listener");
  level.face->SetInput(EKoeMorphInput::Microphone);
  level.face->PlaySpeech(&second);
  Expect(level.face->Input == EKoeMorphInput::AudioComponent &&
             components[0]->StubSound == &second && components[0]->StubListener.IsValid(),
         "the next sound is used with every previous input");
  ExpectNoMessages();
  delete level.audio;
}

void InvalidPresets(const Sound& sound) {
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  UKoeMorphPreset preset;
  for (const float value : {11.0f, 1.0f}) {
    preset.Controls.Blendshapes.Add("jawOpen", FKoeMorphBlendshape{value, 0, 0, 1, true, 0});
    level.face->SetPreset(&preset);
    if (value > 1) ExpectLine({"multiplier"});
    Expect(level.face->GetError().IsEmpty() == (value == 1),
           "the error is kept until the preset is valid");
    PlaySamples(level, FirstSeconds(sound, 1), Pushed(level), [] {});
    Expect(!level.AtRest(), "the face is animated");
  }
  ExpectNoMessages();
}

// A Sound Cue that mixes sounds plays several sources with one listener.
void MixedSources(const Sound& sound) {
  Level level;
  level.Begin();
  level.audio->Play();
  const auto play = [&](int32 source) {
    return [&level, source](std::vector<float>& block, const Sound& format) {
      ISourceBufferListener::FOnNewBufferParams params;
      params.AudioData = block.data();
      params.SourceId = source;
      params.NumSamples = static_cast<int32>(block.size());
      params.NumChannels = format.channels;
      params.SampleRate = format.rate;
      level.audio->StubListener->OnNewBuffer(params);
    };
  };
  const Source stream = play(3), breath = play(7);
  const auto both = [&](std::vector<float>& block, const Sound& format) {
    stream(block, format);
    breath(block, format);
  };
  const Sound second = FirstSeconds(sound, 1);
  PlaySamples(level, second, both, [] {});
  Expect(level.face->GetStream()->Info().pushed_samples <= sound.rate && level.face->IsSpeaking(),
         "one source is used");
  level.audio->StubListener->OnSourceReleased(7);
  PlaySamples(level, second, breath, [] {});
  Expect(!level.face->IsSpeaking(), "the second source is not used while the first plays");
  level.audio->StubListener->OnSourceReleased(3);
  PlaySamples(level, second, breath, [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(),
         "after the first source the next one is used");
  ExpectNoMessages();
}

// Morph targets are enabled, get a mesh later, and are disabled.
void MorphTargetsOnAndOff(const Sound& sound) {
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  const Sound second = FirstSeconds(sound, 1);
  PlaySamples(level, second, Pushed(level), [] {});
  level.face->bDriveMorphTargets = true;
  level.Tick(1.0 / 60);
  ExpectLine({"no mesh"});
  level.SetShapes({"jawOpen"});
  PlaySamples(level, second, Pushed(level), [] {});
  Expect(level.Morph("jawOpen") > 0 && level.Morph("jawOpen") == level.face->GetCurve("JawOpen"),
         "a mesh that is set later is driven");
  level.face->bDriveMorphTargets = false;
  PlaySamples(level, second, Pushed(level), [] {});
  Expect(!level.AtRest() && level.Morph("jawOpen") == 0, "disabled morph targets are restored");
  ExpectNoMessages();
}

// Event listeners restart or end the stream.
void Listeners(const Sound& sound) {
  Level level;
  level.SetShapes({"jawOpen"});
  level.face->bDriveMorphTargets = true;
  level.Begin();
  level.audio->Play();
  const Sound second = FirstSeconds(sound, 1);
  PlaySamples(level, second, Played(level), [] {});
  level.face->OnVoiceStopped.StubListener = [&] { level.face->SetInput(EKoeMorphInput::Manual); };
  level.face->SetModelName(TEXT("koemorph-60"));
  Expect(level.face->Input == EKoeMorphInput::Manual, "both changes apply");
  PlaySamples(level, second, Pushed(level), [] {});
  Expect(level.face->GetStream()->Info().fps == 60 && level.Morph("jawOpen") > 0,
         "the new model is displayed");
  level.End();
  Expect(level.face->GetStream() == nullptr, "an ended component opens no stream");
  level.Begin();
  PlaySamples(level, second, Pushed(level), [] {});
  level.face->OnVoiceStopped.StubListener = [&] { level.End(); };
  level.face->SetModelName(TEXT("koemorph-30"));
  Expect(level.face->GetStream() == nullptr, "a component ended by a listener stays closed");
  level.face->OnVoiceStopped.StubListener = nullptr;

  UKoeMorphPreset preset;
  preset.Controls.Blendshapes.Add("jawOpen", FKoeMorphBlendshape{11.0f, 0, 0, 1, true, 0});
  level.face->Preset = &preset;
  level.face->OnError.StubListener = [&] { level.face->SetPreset(nullptr); };
  level.Begin();
  ExpectLine({"multiplier"});
  Expect(level.face->GetError().IsEmpty(), "a listener of OnError may fix the error");
  level.face->OnError.StubListener = nullptr;
  ExpectNoMessages();
}

// Setters restart the stream only if the value differs.
void Setters() {
  using Audio::FAudioCapture;
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  const auto restarts = [&level](const std::function<void()>& set) {
    const std::weak_ptr<koemorph_plugin::FaceStream> before = level.face->GetStream();
    set();
    return before.expired();
  };
  const FString name(TEXT("koemorph-60"));
  Expect(restarts([&] { level.face->SetModelName(name); }), "another model restarts the stream");
  Expect(!restarts([&] { level.face->SetModelName(name); }), "the same model does not");
  const FString map(TEXT("oculus"));
  Expect(restarts([&] { level.face->SetMapName(map); }), "another map restarts the stream");
  Expect(!restarts([&] { level.face->SetMapName(map); }), "the same map does not");
  Expect(!restarts([&] { level.face->SetMapFile(FString()); }), "nor does an equal map file");
  Expect(!restarts([&] { level.face->SetModel(nullptr); }), "nor does an equal model asset");
  Expect(!restarts([&] { level.face->SetInput(EKoeMorphInput::Manual); }), "nor an equal input");
  USoundSubmix submix;
  Expect(restarts([&] { level.face->SetSubmix(&submix); }), "another submix restarts the stream");
  Expect(!restarts([&] { level.face->SetSubmix(&submix); }), "the same submix does not");
  FAudioCapture::StubPluggedIn = true;
  FAudioCapture::StubDevices = {TEXT("built in"), TEXT("headset")};
  Expect(UKoeMorphComponent::GetMicrophones().Num() == 2, "microphones are listed");
  level.face->SetMicrophone(TEXT("headset"));
  level.Tick(1.0 / 60);
  Expect(FAudioCapture::StubOpen != nullptr && FAudioCapture::StubIndex == 1,
         "the microphone of this name is opened");
  ExpectNoMessages();
  level.face->SetMicrophone(TEXT("none"));
  level.Tick(1.0 / 60);
  ExpectLine({"'none'", "cannot be opened"});
  Expect(UKoeMorphComponent::PreloadModel(name), "a bundled model is preloaded");
  Expect(!UKoeMorphComponent::PreloadModel(TEXT("none")), "an unknown model is an error");
  ExpectLine({"'none'", "koemorph-30"});
  level.End();
  // A model stays loaded between two components.
  FString error;
  const std::weak_ptr<const koemorph_plugin::Model> model =
      FKoeMorphModule::Get().LoadModel(nullptr, name, error);
  Expect(!model.expired(), "the last model stays loaded");
}

// A dedicated server loads no library, and its components do nothing.
void DedicatedServer() {
  StubDedicatedServer = true;
  Level level;
  level.Begin();
  level.audio->Play();
  level.Tick(1.0 / 60);
  Expect(FKoeMorphModule::Get().GetApi() == nullptr, "the library is not loaded");
  Expect(level.face->GetStream() == nullptr && level.face->GetError().IsEmpty(),
         "the component has no stream and no error");
  ExpectNoMessages();
}

}  // namespace

bool RunBehaviorTest(const std::string& name, const Sound& sound) {
  if (name == "already-playing")
    AlreadyPlaying(sound);
  else if (name == "pause")
    Pause(sound);
  else if (name == "play-speech")
    PlaySpeechOnActor();
  else if (name == "invalid-presets")
    InvalidPresets(sound);
  else if (name == "morph-targets")
    MorphTargetsOnAndOff(sound);
  else if (name == "mixed-sources")
    MixedSources(sound);
  else if (name == "listeners")
    Listeners(sound);
  else if (name == "setters")
    Setters();
  else if (name == "dedicated-server")
    DedicatedServer();
  else
    return false;
  return true;
}
