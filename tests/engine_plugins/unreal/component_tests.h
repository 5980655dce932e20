// A level with a head: shared by the tests of the Unreal modules.
#pragma once

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "Core/FaceStream.h"
#include "Editor.h"
#include "KoeMorphComponent.h"

[[noreturn]] inline void Fail(const std::string& what) {
  std::fprintf(stderr, "failed: %s\nlog:\n", what.c_str());
  for (const std::string& line : StubLines()) std::fprintf(stderr, "%s\n", line.c_str());
  std::exit(1);
}

inline void Expect(bool condition, const std::string& what) {
  if (!condition) Fail(what);
}

// The log has exactly one line, which contains all the words; clears the log.
inline void ExpectLine(std::initializer_list<const char*> words) {
  Expect(StubLines().size() == 1, "exactly one line in the log");
  for (const char* const word : words)
    Expect(StubLines()[0].find(word) != std::string::npos,
           std::string("the line contains ") + word);
  StubLines().clear();
}

inline void ExpectNoMessages() { Expect(StubLines().empty(), "the log is empty"); }

struct Sound {
  std::vector<float> samples;
  int rate = 0;
  int channels = 0;
};

class Level {
 public:
  Level() {
    actor_ = NewObject<AActor>(nullptr, "Head");
    mesh_ = actor_->StubAdd<USkeletalMeshComponent>();
    audio = actor_->StubAdd<UAudioComponent>();
    face = actor_->StubAdd<UKoeMorphComponent>();
    face->StubName = "Face";
    StubLines().clear();
  }
  ~Level() {
    if (face->StubBegun) End();
    for (UActorComponent* const component : actor_->StubComponents) delete component;
    delete actor_;
  }
  Level(const Level&) = delete;
  Level& operator=(const Level&) = delete;

  // Gives the mesh morph targets.
  void SetShapes(const std::vector<std::string>& names) {
    mesh_->StubMesh = NewObject<USkeletalMesh>(nullptr);
    for (const std::string& name : names) {
      mesh_->StubMesh->StubTargets.Add(NewObject<UMorphTarget>(nullptr, name.c_str()));
    }
  }
  float Morph(const std::string& name) const {
    const float* const found = mesh_->StubMorphs.Find(name.c_str());
    return found != nullptr ? *found : -1.0f;
  }

  // Sample rate of the audio pushed from now on.
  void SetRate(int rate) {
    if (rate == rate_) return;
    const std::shared_ptr<koemorph_plugin::FaceStream> stream = face->GetStream();
    const int64_t pushed = stream ? stream->Info().pushed_samples : 0;
    earlier_seconds_ += static_cast<double>(pushed - earlier_samples_) / rate_;
    earlier_samples_ = pushed;
    rate_ = rate;
  }

  void Begin() { face->BeginPlay(); }
  void End() { face->EndPlay(EEndPlayReason::Destroyed); }

  // One frame of the game, `seconds` later, after all pushed audio is processed.
  void Tick(double seconds) {
    StubNow = StubNow + seconds;
    Settle();
    face->TickComponent(static_cast<float>(seconds), LEVELTICK_All, nullptr);
  }

  bool AtRest() const {
    for (const float weight : Curves())
      if (weight != 0.0f) return false;
    return true;
  }
  std::vector<float> Curves() const {
    const TConstArrayView<float> seen = face->GetCurves();
    return {seen.GetData(), seen.GetData() + seen.Num()};
  }

  AActor* actor() const { return actor_; }
  USkeletalMeshComponent* mesh() const { return mesh_; }
  UAudioComponent* audio;
  UKoeMorphComponent* face;

 private:
  void Settle() const {
    const std::shared_ptr<koemorph_plugin::FaceStream> stream = face->GetStream();
    for (int i = 0; stream && i < 20000; ++i) {
      const koemorph_stream_info info = stream->Info();
      if (info.fps == 0) return;
      const double pushed_seconds =
          earlier_seconds_ + static_cast<double>(info.pushed_samples - earlier_samples_) / rate_;
      if (static_cast<double>(info.frame_count) > (pushed_seconds - info.latency) * info.fps)
        return;
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    if (stream) Fail("the worker processed the audio");
  }

  AActor* actor_;
  USkeletalMeshComponent* mesh_;
  int rate_ = 16000;             // of pushed audio
  double earlier_seconds_ = 0;   // s pushed at earlier sample rates
  int64_t earlier_samples_ = 0;  // samples pushed at earlier sample rates
};

// Writes float64 rows of time and 52 weights.
class Recorder {
 public:
  explicit Recorder(const std::string& path) : file_(path, std::ios::binary) {}
  void Add(double time, const std::vector<float>& weights) {
    file_.write(reinterpret_cast<const char*>(&time), sizeof(time));
    for (const double weight : weights)
      file_.write(reinterpret_cast<const char*>(&weight), sizeof(weight));
  }

 private:
  std::ofstream file_;
};

// Delivers a block as a source of the engine does, on another thread.
using Source = std::function<void(std::vector<float>& block, const Sound& sound)>;

inline void PlaySamples(Level& level, const Sound& sound, const Source& source,
                        const std::function<void()>& displayed) {
  const int block = sound.rate / 60;
  std::vector<float> samples(static_cast<size_t>(block * sound.channels));
  level.SetRate(sound.rate);
  source(samples, sound);  // announces the format
  level.Tick(0);
  for (size_t first = 0; first + samples.size() <= sound.samples.size(); first += samples.size()) {
    std::copy_n(sound.samples.begin() + static_cast<std::ptrdiff_t>(first), samples.size(),
                samples.begin());
    std::thread(source, std::ref(samples), std::cref(sound)).join();
    level.Tick(1.0 / 60);
    displayed();
  }
}

// Sources for PlaySamples: an audio component, and PushAudio.
inline Source Played(Level& level) {
  return [&level](std::vector<float>& block, const Sound& format) {
    ISourceBufferListener::FOnNewBufferParams params;
    params.AudioData = block.data();
    params.NumSamples = static_cast<int32>(block.size());
    params.NumChannels = format.channels;
    params.SampleRate = format.rate;
    if (level.audio->StubListener.IsValid()) level.audio->StubListener->OnNewBuffer(params);
  };
}
inline Source Pushed(Level& level) {
  return [&level](std::vector<float>& block, const Sound& format) {
    level.face->PushAudio(TArray<float>(block.data(), static_cast<int32>(block.size())),
                          format.rate, format.channels);
  };
}

// behavior_tests.cpp: behavior in a game. False for an unknown name.
bool RunBehaviorTest(const std::string& name, const Sound& sound);
