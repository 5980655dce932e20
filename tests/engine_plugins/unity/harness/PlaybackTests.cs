using System;
using System.Linq;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>SAMPLES RATE CHANNELS MODEL OUT: plays audio through each input and records the weights on the mesh.</summary>
    static class PlaybackTests
    {
        // Maximum seconds between the mixer and the displayed frame: a busy machine only makes the test slower.
        const double MaxAhead = 0.1;

        static double _displayed;

        /// <summary>OnAudioFilterRead on one thread, LateUpdate on another.</summary>
        public static void Play(string[] arguments)
        {
            var samples = TestScene.ReadSamples(arguments[0]);
            var channels = int.Parse(arguments[2]);
            AudioSettings.outputSampleRate = int.Parse(arguments[1]);
            AudioSettings.speakerMode = channels == 1 ? AudioSpeakerMode.Mono : AudioSpeakerMode.Stereo;
            TestScene.UseModel(arguments[3]);
            using (var scene = new TestScene { Rate = AudioSettings.outputSampleRate })
            {
                // A power of two, so that the compensation is exact.
                scene.Source.volume = 0.5f;
                AudioListener.volume = 0.25f;
                var started = 0;
                var face = scene.AddFace();
                face.VoiceStarted.AddListener(() => started++);
                scene.Source.Play();
                var record = new Record();
                _displayed = TestScene.Now;
                var audio = new Thread(() => Mix(scene, samples, channels));
                audio.Start();
                do
                {
                    var now = scene.TickSettled();
                    if (face.PlaybackTime >= 0) record.Add(scene);
                    Volatile.Write(ref _displayed, now);
                } while (!audio.Join(1));
                Expect.True(started == 1, "VoiceStarted was invoked once");
                Expect.True(face.Info.DroppedSamples == 0, "no sample was dropped");
                Expect.NoMessages();
                record.Save(arguments[4]);
            }
        }

        static void Mix(TestScene scene, float[] samples, int channels)
        {
            var block = new float[TestScene.Block * channels];
            for (var first = 0; first + block.Length <= samples.Length; first += block.Length)
            {
                Array.Copy(samples, first, block, 0, block.Length);
                scene.Source.Mix(block, channels);
                TestScene.Wait(TestScene.Block / (double)scene.Rate);
                while (TestScene.Now - Volatile.Read(ref _displayed) > MaxAhead) Thread.Sleep(1);
            }
        }

        /// <summary>AudioClip.GetData ahead of AudioSource.timeSamples, which moves in steps of a DSP block.</summary>
        public static void PlayClip(string[] arguments)
        {
            TestScene.UseModel(arguments[3]);
            var clip = Clip(arguments);
            var outputLatency = AudioSettings.DspBufferLength * AudioSettings.DspBuffers / (double)AudioSettings.outputSampleRate;
            using (var scene = new TestScene { Rate = clip.frequency })
            {
                scene.Source.clip = clip;
                var face = scene.AddFace();
                face.Input = FaceInput.AudioClip;
                scene.Source.Play();
                var record = new Record();
                var last = double.NaN;
                for (var frame = 0; frame < clip.samples * 60L / clip.frequency; frame++)
                {
                    scene.Source.timeSamples = (int)(frame * (long)clip.frequency / 60);
                    scene.Tick();  // reads ahead
                    scene.Settle();
                    scene.Tick();  // displays the same time again, with the computed frames
                    var time = face.PlaybackTime;
                    if (frame >= 6) Expect.True(Math.Abs(time - last - 1 / 60.0) < 0.001, "the playback time advances by the frame time, by " + (time - last));
                    // The position is up to one DSP block behind, and is read up to one frame later.
                    if (frame >= 120) Expect.True(Math.Abs(time - (frame / 60.0 - outputLatency)) < 0.025, "the playback time is that of the audible sample, not " + time);
                    last = time;
                    if (time >= 0) record.Add(scene);
                    TestScene.Wait(1 / 60.0);
                }
                Expect.NoMessages();
                record.Save(arguments[4]);
                LoopSeekAndStop(scene, clip);
            }
        }

        static void LoopSeekAndStop(TestScene scene, AudioClip clip)
        {
            scene.Source.loop = true;
            var before = scene.Face.PlaybackTime;
            scene.Source.timeSamples = 10;
            scene.Tick();
            var step = scene.Face.PlaybackTime - before;
            Expect.True(step > 0 && step < 0.1, "the time continues over the end of a loop, by " + step);
            scene.Settle();
            scene.Source.timeSamples = clip.samples / 2;
            scene.Tick();
            Expect.True(scene.Face.IsSpeaking, "audio continues after a seek");
            scene.Settle();
            scene.Source.Stop();
            for (var i = 0; i < 60; i++)
            {
                TestScene.Wait(1 / 60.0);
                scene.Tick();
                scene.Settle();
            }
            Expect.True(!scene.Face.IsSpeaking, "a stopped source is detected");
            Expect.True(scene.Face.Info.DroppedSamples == 0, "no sample was dropped");
            scene.Source.clip = AudioClip.Create("other", 8000, 1, 8000, false);
            scene.Rate = 8000;
            scene.Tick();
            Expect.True(scene.Face.Error == "", "a clip with another sample rate is accepted");
        }

        /// <summary>Raw samples from another thread, then a stop, which is followed by silence.</summary>
        public static void PlayManual(string[] arguments)
        {
            var samples = TestScene.ReadSamples(arguments[0]);
            var rate = int.Parse(arguments[1]);
            var channels = int.Parse(arguments[2]);
            TestScene.UseModel(arguments[3]);
            using (var scene = new TestScene { Rate = rate })
            {
                var face = scene.AddFace();
                face.Input = FaceInput.Manual;
                face.SetManualFormat(rate, channels);
                var record = new Record();
                var block = new float[rate / 60 * channels];
                for (var first = 0; first + block.Length <= samples.Length; first += block.Length)
                {
                    Array.Copy(samples, first, block, 0, block.Length);
                    var thread = new Thread(() => Expect.True(face.Push(block, rate / 60), "the block is accepted"));
                    thread.Start();
                    thread.Join();
                    TestScene.Wait(1 / 60.0);
                    scene.Settle();
                    scene.Tick();
                    if (face.PlaybackTime >= 0) record.Add(scene);
                }
                var pushed = face.Info.PushedSamples;
                for (var i = 0; i < 60; i++)
                {
                    TestScene.Wait(1 / 60.0);
                    scene.Tick();
                }
                Expect.True(!face.IsSpeaking, "the stop is detected");
                Expect.True(face.Info.PushedSamples > pushed + rate / 2, "silence is pushed after the stop");
                Expect.NoMessages();
                record.Save(arguments[4]);
            }
        }

        public static AudioClip Clip(string[] arguments)
        {
            var samples = TestScene.ReadSamples(arguments[0]);
            var channels = int.Parse(arguments[2]);
            var clip = AudioClip.Create("voice", samples.Length / channels, channels, int.Parse(arguments[1]), false);
            clip.SetData(samples, 0);
            return clip;
        }
    }
}
