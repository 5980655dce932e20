// Tests of the Unreal modules in a stub of the engine, with the packed plugin's libraries and
// models:
//   KOEMORPH_PLUGIN=FOLDER game CHECK [SAMPLES RATE CHANNELS OUT]
#include "component_tests.h"

#include <cmath>

#include "AnimNode_KoeMorph.h"
#include "KoeMorphBake.h"
#include "KoeMorphModule.h"
#include "KoeMorphPreset.h"
#include "KoeMorphPresetControls.h"
#include "KoeMorphSettings.h"

IModuleInterface* StubMakeKoeMorphEditor();

namespace {

// Names as written by content tools: a prefix, _L and _R.
std::string ShapeName(std::string curve) {
  for (const auto& [side, letter] : {std::pair{"Left", "_L"}, std::pair{"Right", "_R"}}) {
    const size_t at = curve.find(side);
    if (at != std::string::npos) curve.replace(at, std::string::npos, letter);
  }
  return "head:" + curve;
}

std::vector<std::string> Names() {
  std::vector<std::string> names;
  for (const FName& name : FKoeMorphModule::Get().CurveNames())
    names.push_back(StubUtf8(*name.ToString()));
  return names;
}

class LiveLink final : public ILiveLinkClient {
 public:
  FGuid AddSource(TSharedPtr<ILiveLinkSource> source) override {
    source_ = source;
    source_->ReceiveClient(this, FGuid{1});
    return FGuid{1};
  }
  void RemoveSource(FGuid) override {
    source_->RequestSourceShutdown();
    source_.Reset();
  }
  void PushSubjectStaticData_AnyThread(const FLiveLinkSubjectKey& key, TSubclassOf<ULiveLinkRole>,
                                       FLiveLinkStaticDataStruct&& data) override {
    subject = key.SubjectName;
    names = data.StubData.PropertyNames;
  }
  void PushSubjectFrameData_AnyThread(const FLiveLinkSubjectKey&,
                                      FLiveLinkFrameDataStruct&& data) override {
    values = data.StubData.PropertyValues;
  }
  bool open() const { return source_.IsValid(); }
  FName subject;
  TArray<FName> names;
  TArray<float> values;

 private:
  TSharedPtr<ILiveLinkSource> source_;
};

// JawOpen after the animation node, over a pose with 0.5.
float JawThroughNode(const Level& level, float alpha) {
  FAnimNode_KoeMorph node;
  node.Alpha = alpha;
  node.SourcePose.StubPose.Curve.Set("JawOpen", 0.5f);
  UAnimInstance instance;
  instance.StubActor = level.actor();
  node.PreUpdate(&instance);
  FPoseContext pose;
  node.Evaluate_AnyThread(pose);
  return pose.Curve.Get("JawOpen");
}

// The source changes its sample rate and channels during a stream.
void ContinueInAnotherFormat(Level& level, const Sound& sound, const Source& source) {
  const std::shared_ptr<koemorph_plugin::FaceStream> stream = level.face->GetStream();
  const int64_t frames = stream->Info().frame_count;
  double time = level.face->GetPlaybackTime();
  float jaw = level.face->GetCurve("JawOpen");
  const Sound other{{sound.samples.begin(), sound.samples.begin() + 44100}, 44100, 1};
  PlaySamples(level, other, source, [&] {
    const double step = level.face->GetPlaybackTime() - time;
    Expect(step >= 0 && step < 0.05, "the playback time is continuous");
    time += step;
    const float now = level.face->GetCurve("JawOpen");
    // Speech opens it by up to 0.2 in 1/30 s.
    Expect(std::abs(now - jaw) < 0.05 + 6.0 * step, "the jaw does not jump");
    jaw = now;
  });
  Expect(level.face->GetStream() == stream && stream->Info().frame_count >= frames + 29,
         "the stream continues");
  Expect(level.face->IsSpeaking(), "the source has audio");
  ExpectNoMessages();
}

// An audio component, with morph targets, an animation graph and Live Link.
void Component(const Sound& sound, const std::string& out) {
  LiveLink link;
  IModularFeatures::Get().StubFeature = &link;
  const std::vector<std::string> names = Names();
  Level level;
  std::vector<std::string> shapes{"Scar"};
  for (const std::string& name : names) shapes.push_back(ShapeName(name));
  level.SetShapes(shapes);
  level.face->bDriveMorphTargets = true;
  level.face->LiveLinkSubject = "Hero";
  level.Begin();
  Expect(link.open() && link.subject == FName("Hero") && link.names.Num() == 52,
         "Live Link has the subject");
  Expect(level.mesh()->StubTicksAfter == level.face, "the mesh ticks after the component");
  Recorder record(out);
  level.audio->Play();
  const Source component = Played(level);
  PlaySamples(level, sound, component, [&] {
    const double time = level.face->GetPlaybackTime();
    if (time < 0.25) return;  // before the clock has adapted
    const std::vector<float> curves = level.Curves();
    std::vector<float> morphs;
    for (const std::string& name : names) morphs.push_back(level.Morph(ShapeName(name)));
    record.Add(time, morphs);
    Expect(morphs == curves, "morph targets and curves are the same");
    Expect(std::equal(curves.begin(), curves.end(), link.values.begin(), link.values.end()),
           "Live Link has the same values");
    const float jaw = level.face->GetCurve("JawOpen");
    for (const float all : {1.0f, 3.0f})
      Expect(std::abs(JawThroughNode(level, all) - jaw) < 1e-6f, "the node sets the curves");
    Expect(std::abs(JawThroughNode(level, 0.5f) - (0.5f + jaw) / 2) < 1e-6f,
           "the node blends the curves");
  });
  Expect(level.Morph("Scar") == -1, "an unmatched morph target is not driven");
  ExpectNoMessages();
  ContinueInAnotherFormat(level, sound, component);
  Expect(level.face->OnVoiceStarted.StubCalls == 1, "audio started once");
  level.End();
  Expect(level.AtRest() && !link.open() && !level.audio->StubNext.IsValid(),
         "at the end the face is neutral and has no listener");
  std::vector<float> late(960, 0.1f);
  component(late, sound);  // the mixer still plays the sound
  Expect(level.Morph(ShapeName("JawOpen")) == 0, "late audio is ignored");
}

void Submix(const Sound& sound, const std::string& out) {
  Level level;
  level.face->Input = EKoeMorphInput::Submix;
  level.Begin();
  std::vector<ISubmixBufferListener*>& listeners = FAudioDeviceHandle::StubDevice().StubListeners;
  Expect(listeners.size() == 1, "a listener is registered");
  Recorder record(out);
  const Source submix = [&listeners](std::vector<float>& block, const Sound& format) {
    listeners[0]->OnNewSubmixBuffer(nullptr, block.data(), static_cast<int32>(block.size()),
                                    format.channels, format.rate, 0);
  };
  PlaySamples(level, sound, submix, [&] {
    if (level.face->GetPlaybackTime() >= 0.25)
      record.Add(level.face->GetPlaybackTime(), level.Curves());
  });
  ExpectNoMessages();
  ContinueInAnotherFormat(level, sound, submix);
  level.face->SetInput(EKoeMorphInput::Manual);
  std::vector<float> late(960, 0.1f);
  if (!listeners.empty()) submix(late, sound);  // 5.3 removes it on the audio thread
  Expect(static_cast<int>(listeners.size()) <= ISubmixBufferListener::StubAlive,
         "the listener is alive while it is registered");
  FAudioThread::StubRun();
  Expect(ISubmixBufferListener::StubAlive == 0, "the listener is released");
  Expect(listeners.empty() && level.AtRest(), "another input removes the listener");
}

// A device that appears, disappears and returns.
void Microphone(const Sound& sound, const std::string& out) {
  using Audio::FAudioCapture;
  Level level;
  level.face->Input = EKoeMorphInput::Microphone;
  level.Begin();
  for (int i = 0; i < 180; ++i) level.Tick(1.0 / 60);
  ExpectLine({"Microphone 'default' cannot be opened", "retries"});
  FAudioCapture::StubPluggedIn = true;
  for (int i = 0; i < 60; ++i) level.Tick(1.0 / 60);
  Expect(FAudioCapture::StubOpen != nullptr, "a new device is opened");
  Recorder record(out);
  const Source device = [](std::vector<float>& block, const Sound& format) {
    const int32 frames = static_cast<int32>(block.size()) / format.channels;
    if (FAudioCapture::StubOpen)
      FAudioCapture::StubOpen(block.data(), frames, format.channels, format.rate, 0, false);
  };
  PlaySamples(level, sound, device, [&] {
    if (level.face->GetPlaybackTime() >= 0.25)
      record.Add(level.face->GetPlaybackTime(), level.Curves());
  });
  ExpectNoMessages();
  FAudioCapture::StubPluggedIn = false;
  FAudioCapture::StubOpen = nullptr;
  for (int i = 0; i < 180; ++i) level.Tick(1.0 / 60);
  ExpectLine({"Microphone 'default' delivers no audio", "retries"});
  Expect(!level.face->IsSpeaking(), "the stop is detected");
  FAudioCapture::StubPluggedIn = true;
  for (int i = 0; i < 70; ++i) level.Tick(1.0 / 60);
  Expect(FAudioCapture::StubOpen != nullptr, "a device is opened again");
  ContinueInAnotherFormat(level, sound, device);
  level.face->SetModelName(TEXT("none"));
  ExpectLine({"'none'"});
  Expect(FAudioCapture::StubOpen == nullptr, "an error closes the device");
}

// Stops, FadeOut and FadeIn.
void Fades(const Sound& sound) {
  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  level.Begin();
  const Source pushed = Pushed(level);
  const Sound first{
      {sound.samples.begin(), sound.samples.begin() + 2 * sound.rate * sound.channels},
      sound.rate,
      sound.channels};
  PlaySamples(level, first, pushed, [] {});
  Expect(!level.AtRest(), "the face is animated");
  for (int i = 0; i < 26; ++i) level.Tick(1.0 / 60);
  Expect(level.AtRest() && level.face->OnVoiceStopped.StubCalls == 1,
         "the face fades to neutral after a stop");
  bool blinked = false;
  for (int i = 0; i < 900 && !blinked; ++i) {
    level.Tick(1.0 / 60);
    blinked = level.face->GetCurve("EyeBlinkLeft") > 0;
  }
  Expect(blinked, "idle motion starts");
  PlaySamples(level, first, pushed, [] {});
  Expect(!level.AtRest(), "new audio is displayed");
  level.face->FadeOut(0.1f);
  PlaySamples(level, first, pushed, [] {});
  Expect(level.AtRest() && level.face->IsSpeaking(),
         "a faded-out face is neutral while audio plays");
  level.face->FadeIn(0.1f);
  PlaySamples(level, first, pushed, [] {});
  Expect(!level.AtRest(), "FadeIn reverts it");
  ExpectNoMessages();
}

koemorph_controls Read(UKoeMorphPreset* preset) {
  koemorph_controls controls;
  FString error;
  const bool read = KoeMorphReadPreset(*FKoeMorphModule::Get().GetApi(), preset, controls, error);
  Expect(read, StubUtf8(*error));
  return controls;
}

void AssetSelection() {
  UKoeMorphPreset preset;
  const koemorph_controls fresh = Read(&preset);
  const koemorph_controls defaults = Read(nullptr);
  Expect(std::memcmp(&fresh, &defaults, sizeof(fresh)) == 0, "a new preset has the defaults");
  preset.Controls.LipCloseOffset = 0.25f;
  preset.Controls.Blendshapes.Add("jawopen", FKoeMorphBlendshape{0.5f, 0.1f, 0, 1, true, 3});
  const koemorph_controls changed = Read(&preset);
  Expect(changed.lip_close_offset == 0.25f && changed.multiplier[17] == 0.5f &&
             changed.offset[17] == 0.1f && changed.cancel_group[17] == 3,
         "the controls of a preset apply");
  preset.Name = TEXT("natural");
  Expect(Read(&preset).saccades == 1.5f && Read(&preset).lip_close_offset == 0, "a preset by name");
  preset.Json =
      TEXT(R"({"koemorph": "preset", "version": 1, "name": "own", "controls": {"symmetry": 1}})");
  Expect(Read(&preset).symmetry == 1 && Read(&preset).saccades == 0, "a preset by text");

  Level level;
  level.face->Input = EKoeMorphInput::Manual;
  Expect(level.face->MapNames().IndexOfByKey(FString(TEXT("vrm1"))) != INDEX_NONE,
         "maps are listed");
  level.face->MapName = TEXT("oculus");
  level.face->bDriveMorphTargets = true;
  level.SetShapes({"Viseme_AA", "viseme_O"});
  level.Begin();
  Expect(level.face->GetCurveNames().IndexOfByKey(FName("viseme_aa")) != INDEX_NONE,
         "another map has other curves");
  level.Tick(1.0 / 60);
  Expect(level.Morph("Viseme_AA") == 0 && level.Morph("viseme_O") == 0,
         "another map drives other morph targets");
  ExpectNoMessages();
  level.face->MapName = TEXT("none");
  level.face->SetModelName(TEXT("koemorph-60"));
  ExpectLine({"'none'", "arkit, "});
  level.face->MapName = FString();
  level.face->SetModelName(TEXT("none"));
  ExpectLine({"'none'", "koemorph-30, "});
  Expect(level.face->OnError.StubValues.size() == 2, "both errors reach Blueprint");
  level.face->bDriveMorphTargets = false;
  for (const FString& name : level.face->ModelNames()) {
    level.face->SetModelName(name);
    Expect(level.face->GetError().IsEmpty(), "every bundled model loads");
  }
  preset.Json = TEXT("{ oops");
  level.face->SetPreset(&preset);
  ExpectLine({"line 1"});
  Expect(level.face->GetStream() != nullptr, "an invalid preset does not end the stream");
  preset.Json = FString();
  preset.Name = FString();
  preset.Controls.Blendshapes.Add("jaw", FKoeMorphBlendshape());
  level.face->Preset = &preset;
  level.face->SetModelName(FString());
  ExpectLine({"jaw", "JawOpen"});
}

// From the menu of the Content Browser, twice: a sound, and one that cannot be baked.
void Bake(const Sound& sound, const std::string& out) {
  USoundWave* const wave = NewObject<USoundWave>(CreatePackage(TEXT("/Game/Voice/Line")), "Line");
  std::vector<int16> pcm;
  for (const float sample : sound.samples)
    pcm.push_back(static_cast<int16>(std::lround(sample * 32768)));
  wave->StubPcm = TArray<uint8>(reinterpret_cast<const uint8*>(pcm.data()),
                                static_cast<int32>(pcm.size() * sizeof(int16)));
  wave->StubRate = static_cast<uint32>(sound.rate);
  wave->StubChannels = static_cast<uint16>(sound.channels);
  USoundWave* const empty = NewObject<USoundWave>(CreatePackage(TEXT("/Game/Voice/None")), "None");
  StubDefault<UContentBrowserAssetContextMenuContext>()->StubSelected = {empty, wave};
  StubMakeKoeMorphEditor()->StartupModule();
  const auto bake = UToolMenus::Get()->StubMenu.StubSection.StubEntry;
  Expect(bake != nullptr, "the menu has an entry");
  bake({});
  ExpectLine({"skeleton", "Project Settings"});
  USkeleton skeleton;
  StubDefault<UKoeMorphSettings>()->BakeSkeleton.StubObject = &skeleton;
  for (int time = 0; time < 2; ++time) {
    bake({});
    ExpectLine({"None was not baked", "no imported samples"});
  }
  USoundWave* const taken =
      NewObject<USoundWave>(CreatePackage(TEXT("/Game/Voice/Taken")), "Taken");
  taken->StubPcm = wave->StubPcm;
  taken->StubRate = wave->StubRate;
  taken->StubChannels = wave->StubChannels;
  NewObject<UMorphTarget>(CreatePackage(TEXT("/Game/Voice/Taken_Face")), "Taken_Face");
  StubDefault<UContentBrowserAssetContextMenuContext>()->StubSelected = {taken};
  bake({});
  ExpectLine({"Taken was not baked", "Taken_Face", "not an animation"});
  UPackage* const package = CreatePackage(TEXT("/Game/Voice/Line_Face"));
  UAnimSequence* const baked = FindObject<UAnimSequence>(package, TEXT("Line_Face"));
  Expect(baked != nullptr && package->StubContent.size() == 1 && package->StubDirty,
         "one animation beside the sound");
  Expect(FAssetRegistryModule::StubCreated.size() == 1, "the asset registry is notified once");
  const FStubController& curves = baked->StubController;
  Expect(baked->StubSkeleton == &skeleton && curves.bInitialized && curves.bPopulated &&
             curves.Open == 0 && curves.FrameRate.Numerator == 30 && curves.Curves.Num() == 52,
         "the animation is complete");
  Recorder record(out);
  for (int32 frame = 0; frame < curves.Frames; ++frame) {
    std::vector<float> weights;
    for (const FName& name : FKoeMorphModule::Get().CurveNames())
      weights.push_back((*curves.Curves.Find(name))[frame].Value);
    record.Add(curves.Curves.begin()->Value[frame].Time, weights);
  }
}

// A missing library or model: one line, and a neutral face.
void Errors(const char* word) {
  FKoeMorphModule::Get();
  Level level;  // clears the log of the module
  level.Begin();
  level.Tick(1.0 / 60);
  ExpectLine({word});
  Expect(level.AtRest() && !level.face->GetError().IsEmpty(),
         "the face is neutral and has an error");
  FKoeMorphModule::Get().ShutdownModule();
}

}  // namespace

int main(int argc, char** argv) {
  const std::string check = argv[1];
  if (check == "errors") return Errors(argv[2]), 0;
  if (check == "asset-selection") return AssetSelection(), 0;
  std::ifstream file(argv[2], std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  Sound sound{std::vector<float>(bytes.size() / sizeof(float)), std::atoi(argv[3]),
              std::atoi(argv[4])};
  std::memcpy(sound.samples.data(), bytes.data(), sound.samples.size() * sizeof(float));
  if (check == "component") Component(sound, argv[5]);
  if (check == "submix") Submix(sound, argv[5]);
  if (check == "microphone") Microphone(sound, argv[5]);
  if (check == "fades") Fades(sound);
  if (check == "bake") Bake(sound, argv[5]);
  return RunBehaviorTest(check, sound) || argc > 5 || check == "fades" ? 0 : 2;
}
