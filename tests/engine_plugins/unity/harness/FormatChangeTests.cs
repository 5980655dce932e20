using System;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>HOW MODEL OUT SAMPLES RATE CHANNELS [...]: changes the audio device during a stream and records the mesh.</summary>
    static class FormatChangeTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[1]);
            using (var scene = new TestScene())
            {
                var record = new Record();
                Change(scene, arguments[0], arguments, 3);
                var face = scene.AddFace();
                if (arguments[0] == "manual") face.Input = FaceInput.Manual;
                scene.Source.Play();
                for (var device = 3; device < arguments.Length; device += 3)
                {
                    Change(scene, arguments[0], arguments, device);
                    Play(scene, TestScene.ReadSamples(arguments[device]), int.Parse(arguments[device + 2]), record);
                }
                Expect.True(face.Info.DroppedSamples == 0, "no sample was dropped");
                Expect.NoMessages();
                record.Save(arguments[2]);
            }
        }

        // With a notification of the engine, without one, or by a script.
        static void Change(TestScene scene, string how, string[] arguments, int device)
        {
            var channels = int.Parse(arguments[device + 2]);
            scene.Rate = int.Parse(arguments[device + 1]);
            if (how == "notified") AudioSettings.Change(scene.Rate, Mode(channels));
            else AudioSettings.outputSampleRate = scene.Rate;
            if (how == "manual" && scene.Face != null) scene.Face.SetManualFormat(scene.Rate, channels);
        }

        static AudioSpeakerMode Mode(int channels)
        {
            return channels == 1 ? AudioSpeakerMode.Mono : channels == 2 ? AudioSpeakerMode.Stereo : AudioSpeakerMode.Mode5point1;
        }

        static void Play(TestScene scene, float[] samples, int channels, Record record)
        {
            var face = scene.Face;
            var frames = scene.Rate / 50;
            var block = new float[frames * channels];
            for (var first = 0; first < samples.Length; first += block.Length)
            {
                Array.Copy(samples, first, block, 0, block.Length);
                TestScene.Wait(1 / 50.0);
                if (face.Input == FaceInput.Manual) Expect.True(face.Push(block, frames), "the block is accepted");
                else scene.Source.Mix(block, channels);
                var displayed = face.PlaybackTime;
                scene.Settle();
                scene.Tick();  // detects a new format
                scene.Settle();
                scene.Tick();  // displays the same time again
                var step = face.PlaybackTime - displayed;
                Expect.True(record.Empty || step >= 0 && step < 0.04, "the playback time is continuous, step " + step);
                Expect.True(face.IsSpeaking, "the audio continues");
                if (face.PlaybackTime >= 0) record.Add(scene);
            }
        }
    }
}
