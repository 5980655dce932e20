// Tests of Core: one thread pushes, another samples.
//   player CHECK LIBRARY MODEL [SAMPLES RATE CHANNELS OUT]
//   player format-change LIBRARY MODEL OUT SAMPLES RATE CHANNELS [SAMPLES RATE CHANNELS ...]
// LIBRARY: folder of libkoemorph.so. OUT: float64 rows of time and 52 weights.
#include <dlfcn.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "FaceStream.h"

namespace kp = koemorph_plugin;

namespace {

[[noreturn]] void Fail(const std::string& what) {
  std::fprintf(stderr, "failed: %s\n", what.c_str());
  std::exit(1);
}

void Expect(bool condition, const std::string& what) {
  if (!condition) Fail(what);
}

template <typename T>
std::vector<T> ReadAll(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  std::vector<T> values(bytes.size() / sizeof(T));
  bytes.copy(reinterpret_cast<char*>(values.data()), values.size() * sizeof(T));
  return values;
}

class Recorder {
 public:
  explicit Recorder(const std::string& path) : file_(path, std::ios::binary) {}
  void Add(double time, const float* weights) {
    double row[1 + KOEMORPH_BLENDSHAPE_COUNT] = {time};
    for (int i = 0; i < KOEMORPH_BLENDSHAPE_COUNT; ++i) row[1 + i] = weights[i];
    file_.write(reinterpret_cast<const char*>(row), sizeof(row));
  }

 private:
  std::ofstream file_;
};

struct Game {
  kp::Api api;
  std::string folder;
  std::shared_ptr<const kp::Model> Load(const std::string& path, std::string* error) const {
    const std::vector<char> bytes = ReadAll<char>(path);
    return kp::Model::Load(api, bytes.data(), bytes.size(), error);
  }
};

struct Sound {
  std::vector<float> samples;
  int rate, channels;
  int frames() const { return static_cast<int>(samples.size()) / channels; }
};

void Sleep() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }

// Waits until the worker has processed `pushed` seconds.
void Settle(const kp::FaceStream& stream, double pushed) {
  for (int i = 0; i < 20000; ++i, Sleep()) {
    const koemorph_stream_info info = stream.Info();
    if (static_cast<double>(info.frame_count) > (pushed - info.latency) * info.fps) return;
  }
  Fail("the worker processed the audio");
}

// As in a game, the mixer thread pushes and the game thread samples. The clock advances with the
// audio, and the mixer waits for the game, so that a busy machine is only slower.
void Play(const std::shared_ptr<const kp::Model>& model, const Sound& sound,
          const std::string& out) {
  constexpr double kAhead = 0.1;  // s
  const int block = sound.rate / 50;
  std::atomic<double> wall{100};
  std::atomic<double> displayed{100};
  std::atomic<bool> playing{true};
  kp::FaceStream stream(model);
  std::string error;
  Expect(!stream.Push(sound.samples.data(), block, sound.rate, sound.channels, wall),
         "the first block announces its format");
  Expect(stream.Update(wall, &error), error);
  std::thread audio([&] {
    for (int first = 0; first + block <= sound.frames(); first += block) {
      // The game thread may hold the guard; a mixer would drop the block.
      while (!stream.Push(&sound.samples[first * sound.channels], block, sound.rate, sound.channels,
                          wall))
        Sleep();
      wall = wall + 0.02;
      while (wall - displayed > kAhead) Sleep();
    }
    playing = false;
  });
  Recorder record(out);
  kp::Weights weights;
  while (playing) {
    // In this order: all audio pushed at this time is processed.
    const double now = wall;
    Settle(stream, static_cast<double>(stream.Info().pushed_samples) / sound.rate);
    Expect(stream.Update(now, &error), error);
    const double time = stream.Sample(&weights);
    if (time >= 0) record.Add(time, weights.data());
    displayed = now;
    Sleep();
  }
  audio.join();
  Expect(stream.speaking(), "the source has audio");
  Expect(stream.Info().dropped_samples == 0, "no sample was dropped");
}

// Format changes. A block of 20 ms announces each format: the first is pushed again, the others are
// replaced by silence.
void FormatChange(const std::shared_ptr<const kp::Model>& model, const std::vector<Sound>& sounds,
                  const std::string& out) {
  kp::FaceStream stream(model);
  Recorder record(out);
  kp::Weights weights;
  std::string error;
  double wall = 100, pushed = 0, displayed = 0;
  stream.Push(sounds[0].samples.data(), sounds[0].rate / 50, sounds[0].rate, sounds[0].channels,
              wall);
  Expect(stream.Update(wall, &error), error);
  for (const Sound& sound : sounds) {
    const int block = sound.rate / 50;
    for (int first = 0; first + block <= sound.frames(); first += block) {
      wall += 0.02;
      const bool fits = stream.Push(&sound.samples[first * sound.channels], block, sound.rate,
                                    sound.channels, wall);
      Expect(fits == (first > 0 || &sound == &sounds[0]), "a new format is detected");
      if (fits) Settle(stream, pushed += 0.02);
      Expect(stream.Update(wall, &error), error);
      if (!fits) Settle(stream, pushed += 0.02);
      const double time = stream.Sample(&weights);
      Expect(pushed < 0.1 || (time >= displayed && time < displayed + 0.04),
             "the playback time is continuous");
      displayed = time;
      if (time >= 0) record.Add(time, weights.data());
      Expect(stream.speaking() || pushed < 0.02, "the audio continues");
    }
  }
  Expect(stream.Info().dropped_samples == 0, "no sample was dropped");
}

void Bake(const std::shared_ptr<const kp::Model>& model, const Sound& sound,
          const std::string& out) {
  std::string error;
  const std::vector<kp::Frame> frames =
      kp::Animate(*model, sound.samples.data(), sound.frames(), sound.rate, sound.channels, &error);
  Expect(!frames.empty(), error);
  Recorder record(out);
  for (const kp::Frame& frame : frames) record.Add(frame.time, frame.weights);
}

// Stops, format changes, and destruction while a thread pushes.
void Lifecycle(const std::shared_ptr<const kp::Model>& model) {
  const std::vector<float> block(960, 0.1f);
  std::string error;
  kp::Weights weights;
  for (int life = 0; life < 200; ++life) {
    auto stream = std::make_shared<kp::FaceStream>(model);
    std::thread audio([stream, &block] {
      for (int i = 0; i < 20; ++i)
        stream->Push(block.data(), 480, i < 10 ? 48000 : 44100, 2, 100 + i * 0.01);
    });
    for (int i = 0; i < 5; ++i) {
      Expect(stream->Update(100 + i * 0.04, &error), error);
      stream->Sample(&weights);
    }
    stream.reset();
    audio.join();
  }
  kp::FaceStream stream(model);
  Expect(stream.Sample(&weights) == 0 && weights == kp::Weights{},
         "without audio the face is neutral");
  stream.Push(block.data(), 480, 48000, 2, 100);
  Expect(stream.Update(100, &error), error);
  stream.Push(block.data(), 480, 48000, 2, 100.01);
  Expect(stream.Update(100.01, &error) && stream.speaking(), "the source has audio");
  const int64_t pushed = stream.Info().pushed_samples;
  for (int i = 0; i < 60; ++i) Expect(stream.Update(100.01 + i / 60.0, &error), error);
  Expect(!stream.speaking(), "a stop is detected");
  Expect(stream.Info().pushed_samples > pushed + 24000, "silence is pushed after a stop");
  koemorph_controls controls;
  model->api().controls_init(&controls);
  controls.symmetry = 2;
  Expect(!stream.SetControls(controls, &error) && error.find("symmetry") != std::string::npos,
         "a control out of range is an error with its name");
  Expect(!kp::ReadPreset(model->api(), "{ oops", &controls, &error) &&
             error.find("line 1") != std::string::npos,
         "an invalid preset is an error with its position");
  stream.Push(block.data(), 960, 7, 1, 102);
  Expect(!stream.Update(102, &error) && !error.empty(), "an invalid sample rate is an error");
}

decltype(&::koemorph_player_feed) library_feed = nullptr;
std::atomic<bool> pushing{false};

// A block that is pushed while the game thread updates is speech, not silence.
void ConcurrentPush(Game game, const std::string& path) {
  std::string error;
  library_feed = game.api.player_feed;
  game.api.player_feed = [](koemorph_player* player, const float* samples, int frames, int rate,
                            int channels, double now) {
    pushing = true;
    // Long enough for Update to read the counter and wait for this push.
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
    return library_feed(player, samples, frames, rate, channels, now);
  };
  const std::shared_ptr<const kp::Model> model = game.Load(path, &error);
  Expect(model != nullptr, error);
  const std::vector<float> block(320, 0.1f);
  kp::FaceStream stream(model);
  stream.Push(block.data(), 320, 16000, 1, 100);
  Expect(stream.Update(100, &error), error);
  std::thread audio([&] { stream.Push(block.data(), 320, 16000, 1, 100); });
  while (!pushing) Sleep();
  Expect(stream.Update(100, &error), error);
  audio.join();
  Expect(stream.Update(100.02, &error) && stream.speaking(), "the source has audio");
  Expect(stream.Info().pushed_samples == 320, "no silence is pushed");
}

// Empty blocks are not activity.
void EmptyBlocks(const std::shared_ptr<const kp::Model>& model) {
  std::string error;
  const std::vector<float> block(320, 0.1f);
  kp::FaceStream stream(model);
  for (const double wall : {100.0, 100.02}) {
    stream.Push(block.data(), 320, 16000, 1, wall);
    Expect(stream.Update(wall, &error), error);
  }
  Expect(stream.speaking(), "the source has audio");
  for (int i = 1; i <= 60; ++i) {
    const double wall = 100.02 + i / 60.0;
    Expect(stream.Push(block.data(), 0, 44100, 2, wall), "an empty block has no format");
    Expect(stream.Update(wall, &error), error);
  }
  Expect(!stream.speaking(), "the stop is detected");
  Expect(stream.Info().pushed_samples > 8000, "silence is pushed after a stop");
}

// The game pushes after the update, and stalls.
void GameStall(const std::shared_ptr<const kp::Model>& model) {
  std::string error;
  const std::vector<float> block(320, 0.1f);
  kp::FaceStream stream(model);
  double wall = 100;
  for (int i = 0; i < 10; ++i, wall += 0.02) {
    Expect(stream.Update(wall, &error), error);
    stream.Push(block.data(), 320, 16000, 1, wall + 0.01);
  }
  wall += 0.3;
  const int64_t pushed = stream.Info().pushed_samples;
  Expect(stream.Update(wall, &error) && stream.speaking(), "a stall is not a stop");
  Expect(stream.Info().pushed_samples == pushed, "no silence is pushed after a stall");
  Expect(stream.Update(wall + 0.02, &error) && !stream.speaking(), "a stop is detected");
}

// No time passes during a short pause.
void ShortPause(const std::shared_ptr<const kp::Model>& model) {
  std::string error;
  const std::vector<float> block(320, 0.1f);
  kp::Weights weights;
  kp::FaceStream stream(model);
  double wall = 100, time = 0;
  for (int i = 0; i < 50; ++i, wall += 0.02) {
    stream.Push(block.data(), 320, 16000, 1, wall);
    Expect(stream.Update(wall, &error) && !stream.paused(), error);
    time = stream.Sample(&weights);
  }
  wall += 0.2;
  Expect(stream.Update(wall, &error, true) && stream.paused(), "the game is paused");
  wall += 0.02;
  stream.Push(block.data(), 320, 16000, 1, wall);
  Expect(stream.Update(wall, &error) && !stream.paused(), error);
  const double later = stream.Sample(&weights);
  Expect(later > time && later < time + 0.03, "the time continues after the pause");
}

void Names(const kp::Api& api) {
  for (int i = 0; i < KOEMORPH_BLENDSHAPE_COUNT; ++i) std::puts(kp::CurveName(api, i).c_str());
}

void Errors(const Game& game) {
  std::string error;
  kp::Api api;
  Expect(!kp::LoadApi([](const char*) { return nullptr; }, &api, &error),
         "an empty library is an error");
  Expect(error.find("koemorph_version") != std::string::npos, "the message names the function");
  void* const library = dlopen((game.folder + "/libkoemorph.so").c_str(), RTLD_NOW);
  const auto other = [library](const char* name) {
    if (std::string(name) != "koemorph_version") return dlsym(library, name);
    return reinterpret_cast<void*>(+[]() -> const char* { return "0.9.0"; });
  };
  Expect(!kp::LoadApi(other, &api, &error) && error.find("0.9.0") != std::string::npos,
         "a library of another version is an error");
  const char junk[] = "junk";
  error.clear();
  Expect(kp::Model::Load(game.api, junk, sizeof(junk), &error) == nullptr,
         "an invalid model is an error");
  Expect(!error.empty(), "the error has a message");
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) return 2;
  const std::string check = argv[1];
  Game game;
  game.folder = argv[2];
  void* const library = dlopen((game.folder + "/libkoemorph.so").c_str(), RTLD_NOW);
  std::string error;
  Expect(library != nullptr, "the library opens");
  Expect(
      kp::LoadApi([library](const char* name) { return dlsym(library, name); }, &game.api, &error),
      error);
  if (check == "names") return Names(game.api), 0;
  if (check == "errors") return Errors(game), 0;
  if (check == "concurrent-push") return ConcurrentPush(game, argv[3]), 0;
  const std::shared_ptr<const kp::Model> model = game.Load(argv[3], &error);
  Expect(model != nullptr, error);
  if (check == "lifecycle") return Lifecycle(model), 0;
  if (check == "timing") return EmptyBlocks(model), GameStall(model), ShortPause(model), 0;
  if (check == "format-change") {
    std::vector<Sound> sounds;
    for (char** sound = argv + 5; sound + 2 < argv + argc; sound += 3)
      sounds.push_back({ReadAll<float>(sound[0]), std::atoi(sound[1]), std::atoi(sound[2])});
    return FormatChange(model, sounds, argv[4]), 0;
  }
  const Sound sound{ReadAll<float>(argv[4]), std::atoi(argv[5]), std::atoi(argv[6])};
  if (check == "play") Play(model, sound, argv[7]);
  if (check == "bake") Bake(model, sound, argv[7]);
  return 0;
}
