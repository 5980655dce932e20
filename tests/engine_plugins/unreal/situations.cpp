// What happens to a face in a game: sounds that play already, pauses, lines to say, wrong presets,
// and what listeners of its events do.
#include "KoeMorphPreset.h"
#include "game.h"

namespace {

Sound FirstSeconds(const Sound& sound, int seconds) {
  const auto end = sound.samples.begin() + seconds * sound.rate * sound.channels;
  return {{sound.samples.begin(), end}, sound.rate, sound.channels};
}

// An audio component that its actor activates plays before the face begins.
void PlayingAlready(const Sound& sound) {
  Level level;
  level.actor()->StubBeginning = true;
  level.audio->Play();
  level.Begin();
  level.actor()->StubBeginning = false;
  Expect(level.audio->StubPlays == 2, "a sound that began in this moment begins again");
  ExpectSilence();
  Speak(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(), "and is heard");

  level.face->SetModelName(TEXT("koemorph-60"));
  Expect(level.AtRest(), "another model starts anew");
  Speak(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.audio->StubPlays == 2 && level.face->IsSpeaking() && !level.AtRest(),
         "and hears what was playing, without a break");

  UAudioComponent* const other = level.actor()->StubAdd<UAudioComponent>();
  other->Play();
  level.face->ListenTo(other);
  ExpectLine({"playing already", "next Play"});
  Expect(other->StubPlays == 1, "a sound in its midst is not begun again");
  level.audio = other;
  other->Play();
  Speak(level, FirstSeconds(sound, 1), Played(level), [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(), "its next one is heard");
  ExpectSilence();
}

// A paused game: the mixer sends nothing, the face stands still; a menu's sound is followed.
void Pausing(const Sound& sound) {
  bool& paused = StubDefault<UWorld>()->StubPaused;
  Level level;
  level.Begin();
  Expect(level.face->PrimaryComponentTick.bTickEvenWhenPaused, "it hears of pauses");
  level.audio->Play();
  const Sound second = FirstSeconds(sound, 1);
  Speak(level, second, Played(level), [] {});
  paused = true;
  for (int i = 0; i < 20; ++i) level.Tick(1.0 / 60);
  const std::vector<float> face = level.Curves();
  const double time = level.face->GetPlaybackTime();
  Expect(!level.AtRest(), "a face stops as it is");
  for (int i = 0; i < 300; ++i) level.Tick(1.0 / 60);
  Expect(level.Curves() == face && level.face->GetPlaybackTime() == time, "and stands still");
  paused = false;
  Speak(level, second, Played(level), [] {});
  const double later = level.face->GetPlaybackTime();
  Expect(later > time + 0.7 && later < time + 1.1, "time goes on where it stood");
  Expect(level.face->OnVoiceStarted.StubCalls == 1 && level.face->OnVoiceStopped.StubCalls == 0,
         "it is one voice");
  paused = true;
  Speak(level, second, Played(level), [] {});
  Expect(level.face->GetPlaybackTime() > later + 0.7,
         "a voice that goes on is followed in a pause");
  for (int i = 0; i < 60; ++i) level.Tick(1.0 / 60);
  Expect(level.face->OnVoiceStopped.StubCalls == 1 && level.AtRest(), "and ends in it");
  paused = false;
  Speak(level, second, Played(level), [] {});
  for (int i = 0; i < 60; ++i) level.Tick(1.0 / 60);
  Expect(level.face->OnVoiceStopped.StubCalls == 2, "one that ends after it stops, too");
  level.Tick(5);  // the app slept
  level.Tick(1.0 / 60);
  Expect(level.face->GetVoice()->Info().dropped_samples == 0, "no sample is lost on the way");
  ExpectSilence();
}

void Saying() {
  Level level;
  AActor* const actor = level.actor();
  std::erase(actor->StubComponents, level.audio);
  USceneComponent* const root = actor->StubAdd<USceneComponent>();
  level.Begin();
  USoundBase first, second;
  level.face->Say(&first);
  std::vector<UAudioComponent*> voices;
  for (UActorComponent* const component : actor->StubComponents)
    if (auto* const voice = dynamic_cast<UAudioComponent*>(component)) voices.push_back(voice);
  Expect(voices.size() == 1 && voices[0]->StubParent == root, "a line is said where the actor is");
  Expect(voices[0]->StubSound == &first && voices[0]->StubListener.IsValid(), "and heard");
  level.face->SetInput(EKoeMorphInput::Microphone);
  level.face->Say(&second);
  Expect(level.face->Input == EKoeMorphInput::AudioComponent && voices[0]->StubSound == &second &&
             voices[0]->StubListener.IsValid(),
         "so is the next, wherever the face had listened meanwhile");
  ExpectSilence();
  delete level.audio;
}

void WrongPresets(const Sound& sound) {
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  UKoeMorphPreset preset;
  for (const float value : {11.0f, 1.0f}) {
    preset.Controls.Blendshapes.Add("jawOpen", FKoeMorphBlendshape{value, 0, 0, 1, true, 0});
    level.face->SetPreset(&preset);
    if (value > 1) ExpectLine({"multiplier"});
    Expect(level.face->GetProblem().IsEmpty() == (value == 1), "the problem stays while it is one");
    Speak(level, FirstSeconds(sound, 1), Pushed(level), [] {});
    Expect(!level.AtRest(), "the face goes on");
  }
  ExpectSilence();
}

// A cue that mixes sounds plays each as a source of its own, all with the listener of their
// component.
void Mixing(const Sound& sound) {
  Level level;
  level.Begin();
  level.audio->Play();
  const auto play = [&](int32 source) {
    return [&level, source](std::vector<float>& block, const Sound& heard) {
      ISourceBufferListener::FOnNewBufferParams params;
      params.AudioData = block.data();
      params.SourceId = source;
      params.NumSamples = static_cast<int32>(block.size());
      params.NumChannels = heard.channels;
      params.SampleRate = heard.rate;
      level.audio->StubListener->OnNewBuffer(params);
    };
  };
  const Source voice = play(3), breath = play(7);
  const auto both = [&](std::vector<float>& block, const Sound& heard) {
    voice(block, heard);
    breath(block, heard);
  };
  const Sound second = FirstSeconds(sound, 1);
  Speak(level, second, both, [] {});
  Expect(level.face->GetVoice()->Info().pushed_samples <= sound.rate && level.face->IsSpeaking(),
         "one of them is the voice");
  level.audio->StubListener->OnSourceReleased(7);
  Speak(level, second, breath, [] {});
  Expect(!level.face->IsSpeaking(), "the other one is not, while the first is there");
  level.audio->StubListener->OnSourceReleased(3);
  Speak(level, second, breath, [] {});
  Expect(level.face->IsSpeaking() && !level.AtRest(), "where it has ended, the next one is");
  ExpectSilence();
}

// Morph targets that are driven from some moment on, on a mesh that comes even later, and then no
// more.
void DrivingLater(const Sound& sound) {
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  const Sound second = FirstSeconds(sound, 1);
  Speak(level, second, Pushed(level), [] {});
  level.face->bDriveMorphTargets = true;
  level.Tick(1.0 / 60);
  ExpectLine({"no mesh"});
  level.SetShapes({"jawOpen"});
  Speak(level, second, Pushed(level), [] {});
  Expect(level.Morph("jawOpen") > 0 && level.Morph("jawOpen") == level.face->GetCurve("JawOpen"),
         "a mesh that comes later speaks");
  level.face->bDriveMorphTargets = false;
  Speak(level, second, Pushed(level), [] {});
  Expect(!level.AtRest() && level.Morph("jawOpen") == 0, "and rests where it is left alone");
  ExpectSilence();
}

// Listeners of the face's events start it anew in the midst of its work.
void Listening(const Sound& sound) {
  Level level;
  level.SetShapes({"jawOpen"});
  level.face->bDriveMorphTargets = true;
  level.Begin();
  level.audio->Play();
  const Sound second = FirstSeconds(sound, 1);
  Speak(level, second, Played(level), [] {});
  level.face->OnVoiceStopped.StubListener = [&] { level.face->SetInput(EKoeMorphInput::Manual); };
  level.face->SetModelName(TEXT("koemorph-60"));
  Expect(level.face->Input == EKoeMorphInput::Manual, "both changes are in force");
  Speak(level, second, Pushed(level), [] {});
  Expect(level.face->GetVoice()->Info().fps == 60 && level.Morph("jawOpen") > 0, "and shown");
  level.End();
  Expect(level.face->GetVoice() == nullptr, "a face that ends is not opened again");
  level.Begin();
  Speak(level, second, Pushed(level), [] {});
  level.face->OnVoiceStopped.StubListener = [&] { level.End(); };
  level.face->SetModelName(TEXT("koemorph-30"));
  Expect(level.face->GetVoice() == nullptr, "one that a listener ends stays closed");
  level.face->OnVoiceStopped.StubListener = nullptr;

  UKoeMorphPreset preset;
  preset.Controls.Blendshapes.Add("jawOpen", FKoeMorphBlendshape{11.0f, 0, 0, 1, true, 0});
  level.face->Preset = &preset;
  level.face->OnProblem.StubListener = [&] { level.face->SetPreset(nullptr); };
  level.Begin();
  ExpectLine({"multiplier"});
  Expect(level.face->GetProblem().IsEmpty(), "a problem that is mended when it is told is none");
  level.face->OnProblem.StubListener = nullptr;
  ExpectSilence();
}

}  // namespace

bool PlaySituation(const std::string& name, const Sound& sound) {
  if (name == "playing")
    PlayingAlready(sound);
  else if (name == "pausing")
    Pausing(sound);
  else if (name == "saying")
    Saying();
  else if (name == "presets")
    WrongPresets(sound);
  else if (name == "driving")
    DrivingLater(sound);
  else if (name == "mixing")
    Mixing(sound);
  else if (name == "listening")
    Listening(sound);
  else
    return false;
  return true;
}
