using System;
using System.Reflection;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>SAMPLES RATE CHANNELS MODEL OUT: plays a voice through each input and records the mesh.</summary>
    static class Playing
    {
        // Seconds that the mixer may be ahead of what is shown, so that a busy machine is only slower.
        const double Ahead = 0.1;

        static double _shown;

        /// <summary>OnAudioFilterRead on one thread, LateUpdate on another.</summary>
        public static void Play(string[] arguments)
        {
            var samples = Stage.ReadSamples(arguments[0]);
            var channels = int.Parse(arguments[2]);
            AudioSettings.outputSampleRate = int.Parse(arguments[1]);
            AudioSettings.speakerMode = channels == 1 ? AudioSpeakerMode.Mono : AudioSpeakerMode.Stereo;
            Stage.UseModel(arguments[3]);
            using (var stage = new Stage { Rate = AudioSettings.outputSampleRate })
            {
                var started = 0;
                var face = stage.AddFace();
                face.VoiceStarted.AddListener(() => started++);
                stage.Source.Play();
                var record = new Record();
                _shown = Stage.Now;
                var audio = new Thread(() => Mix(stage, samples, channels));
                audio.Start();
                do
                {
                    var now = stage.TickSettled();
                    if (face.PlaybackTime >= 0) record.Add(stage);
                    Volatile.Write(ref _shown, now);
                } while (!audio.Join(1));
                Expect.True(started == 1, "one VoiceStarted for one voice");
                Expect.True(face.Info.DroppedSamples == 0, "no sample is lost");
                Expect.NoComplaint();
                record.Save(arguments[4]);
            }
        }

        static void Mix(Stage stage, float[] samples, int channels)
        {
            var block = new float[Stage.Block * channels];
            for (var first = 0; first + block.Length <= samples.Length; first += block.Length)
            {
                Array.Copy(samples, first, block, 0, block.Length);
                stage.Source.Mix(block, channels);
                Stage.Wait(Stage.Block / (double)stage.Rate);
                while (Stage.Now - Volatile.Read(ref _shown) > Ahead) Thread.Sleep(1);
            }
        }

        /// <summary>GetData ahead of timeSamples.</summary>
        public static void PlayClip(string[] arguments)
        {
            Stage.UseModel(arguments[3]);
            var clip = Clip(arguments);
            using (var stage = new Stage { Rate = clip.frequency })
            {
                stage.Source.clip = clip;
                var face = stage.AddFace();
                face.Input = FaceInput.AudioClip;
                stage.Source.Play();
                var record = new Record();
                for (var position = 0; position < clip.samples; position += clip.frequency / 60)
                {
                    stage.Source.timeSamples = position;
                    stage.Tick();  // reads ahead ...
                    stage.Settle();
                    stage.Tick();  // ... and now shows this very moment
                    Expect.True(Math.Abs(face.PlaybackTime - position / (double)clip.frequency) < 1e-6, "the face is where the clip is");
                    record.Add(stage);
                    Stage.Wait(1 / 60.0);
                }
                Expect.NoComplaint();
                record.Save(arguments[4]);
                LoopSeekAndStop(stage, clip);
            }
        }

        static void LoopSeekAndStop(Stage stage, AudioClip clip)
        {
            stage.Source.loop = true;
            var before = stage.Face.PlaybackTime;
            stage.Source.timeSamples = 10;
            stage.Tick();
            var step = stage.Face.PlaybackTime - before;
            Expect.True(step > 0 && step < 0.1, "over the loop's seam time goes on, by " + step);
            stage.Settle();
            stage.Source.timeSamples = clip.samples / 2;
            stage.Tick();
            Expect.True(stage.Face.IsSpeaking, "after a seek the face speaks on");
            stage.Settle();
            stage.Source.Stop();
            for (var i = 0; i < 60; i++)
            {
                Stage.Wait(1 / 60.0);
                stage.Tick();
                stage.Settle();
            }
            Expect.True(!stage.Face.IsSpeaking, "a stopped source is noticed");
            Expect.True(stage.Face.Info.DroppedSamples == 0, "nothing is lost");
            stage.Source.clip = AudioClip.Create("other", 8000, 1, 8000, false);
            stage.Rate = 8000;
            stage.Tick();
            Expect.True(stage.Face.Problem == "", "another clip with another rate is taken up");
        }

        /// <summary>Raw PCM from a thread of its own, then a stop that becomes silence.</summary>
        public static void PlayManual(string[] arguments)
        {
            var samples = Stage.ReadSamples(arguments[0]);
            var rate = int.Parse(arguments[1]);
            var channels = int.Parse(arguments[2]);
            Stage.UseModel(arguments[3]);
            using (var stage = new Stage { Rate = rate })
            {
                var face = stage.AddFace();
                face.Input = FaceInput.Manual;
                face.SetManualFormat(rate, channels);
                var record = new Record();
                var block = new float[rate / 60 * channels];
                for (var first = 0; first + block.Length <= samples.Length; first += block.Length)
                {
                    Array.Copy(samples, first, block, 0, block.Length);
                    var voice = new Thread(() => Expect.True(face.Push(block, rate / 60), "the block is taken"));
                    voice.Start();
                    voice.Join();
                    Stage.Wait(1 / 60.0);
                    stage.Settle();
                    stage.Tick();
                    if (face.PlaybackTime >= 0) record.Add(stage);
                }
                var pushed = face.Info.PushedSamples;
                for (var i = 0; i < 60; i++)
                {
                    Stage.Wait(1 / 60.0);
                    stage.Tick();
                }
                Expect.True(!face.IsSpeaking, "a voice that stops is noticed");
                Expect.True(face.Info.PushedSamples > pushed + rate / 2, "silence is fed in its place");
                Expect.NoComplaint();
                record.Save(arguments[4]);
            }
        }

        /// <summary>A device that drifts, goes away and comes back.</summary>
        public static void PlayMicrophone(string[] arguments)
        {
            Stage.UseModel(arguments[3]);
            Microphone.Channels = int.Parse(arguments[2]);
            using (var stage = new Stage())
            {
                stage.AddFace();
                var microphone = stage.Head.AddComponent<KoeMorphMicrophone>();
                stage.Tick();
                Expect.True(!microphone.IsListening, "without a device nothing listens");
                Expect.True(Debug.Console.Count == 1 && Debug.Console[0].Contains("microphone"), "and one line says so");
                Debug.Console.Clear();
                Microphone.devices = new[] { "built in" };
                Stage.Wait(2);
                stage.Tick();
                Expect.True(microphone.IsListening, "a device that comes is taken up");
                ChooseDevices(stage, microphone);
            }
            using (var stage = new Stage { Rate = 16000 })
            {
                var face = stage.AddFace();
                var microphone = stage.Head.AddComponent<KoeMorphMicrophone>();
                stage.Tick();
                var record = new Record();
                Talk(stage, 3, 1.003, Stage.ReadSamples(arguments[0]), record);
                record.Save(arguments[4]);
                Expect.True(Math.Abs(face.Info.PushedSamples / 16000.0 - face.PlaybackTime) < 0.2, "the face keeps up with a fast device");

                for (var i = 0; i < 90; i++)  // unplugged: positions stand still
                {
                    Stage.Wait(1 / 60.0);
                    stage.Tick();
                }
                Expect.True(Debug.Console.Count == 1 && Debug.Console[0].Contains("gone away"), "one line says that the device is gone");
                Debug.Console.Clear();
                var info = face.Info;
                var shown = face.PlaybackTime;
                Microphone.Channels = 1;
                Microphone.Frequency = 44100;
                stage.Rate = 44100;
                Stage.Wait(2);
                stage.Tick();
                Expect.True(microphone.IsListening, "and another one is taken up");
                Talk(stage, 1, 1, new float[0], new Record());
                Expect.NoComplaint();
                Expect.True(face.IsSpeaking, "the face listens");
                Expect.True(face.Info.Frames > info.Frames + 30 && face.PlaybackTime > shown + 1, "it is the same voice");
                Expect.True(face.Info.PushedSamples > info.PushedSamples + 44100, "at the other device's rate");
            }
        }

        static void ChooseDevices(Stage stage, KoeMorphMicrophone microphone)
        {
            const BindingFlags hidden = BindingFlags.Instance | BindingFlags.NonPublic;
            typeof(KoeMorphMicrophone).GetField("_device", hidden).SetValue(microphone, "headset");  // as an inspector does
            stage.Tick();
            Expect.True(microphone.IsListening && Microphone.Name == "headset", "another device of the inspector is taken up");
            typeof(KoeMorphMicrophone).GetField("_sampleRate", hidden).SetValue(microphone, 32000);
            stage.Tick();
            Expect.True(microphone.IsListening && Microphone.Clip.frequency == 32000, "and another rate");
            microphone.Device = "";
            Expect.True(!Microphone.Recording, "the device that is left no longer records");
            stage.Tick();
            Expect.True(microphone.IsListening && Microphone.Name == null, "no name is the system's");
            microphone.enabled = false;
            Expect.True(!Microphone.Recording, "and nothing records when nobody listens");
            Expect.NoComplaint();
        }

        // A device whose clock is `speed` times the game's writes samples into its ring.
        static void Talk(Stage stage, double seconds, double speed, float[] samples, Record record)
        {
            var ring = Microphone.Clip.Data;
            var rate = Microphone.Clip.frequency;
            var written = 0;
            for (var heard = 0.0; heard < seconds; heard += speed / 60)
            {
                var frames = (int)(heard * rate);
                for (; written < frames * Microphone.Channels; written++)
                    ring[written % ring.Length] = written < samples.Length ? samples[written] : 0;
                Microphone.Position = frames % rate;
                Stage.Wait(1 / 60.0);
                stage.Tick();
                stage.Settle();
                stage.Tick();
                // Until the clock has found the device's pace, it may be a moment ahead of the newest frame.
                if (stage.Face.PlaybackTime >= 0.25) record.Add(stage);
            }
        }

        public static AudioClip Clip(string[] arguments)
        {
            var samples = Stage.ReadSamples(arguments[0]);
            var channels = int.Parse(arguments[2]);
            var clip = AudioClip.Create("voice", samples.Length / channels, channels, int.Parse(arguments[1]), false);
            clip.SetData(samples, 0);
            return clip;
        }
    }
}
