using System;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>HOW MODEL OUT SAMPLES RATE CHANNELS [...]: one device after another brings the voice; records the mesh.</summary>
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
                    Speak(scene, TestScene.ReadSamples(arguments[device]), int.Parse(arguments[device + 2]), record);
                }
                Expect.True(face.Info.DroppedSamples == 0, "nothing is lost");
                Expect.NoMessages();
                record.Save(arguments[2]);
            }
        }

        // As the engine tells it, as it happens untold, or as a script says.
        static void Change(TestScene scene, string how, string[] arguments, int device)
        {
            var channels = int.Parse(arguments[device + 2]);
            scene.Rate = int.Parse(arguments[device + 1]);
            if (how == "told") AudioSettings.Change(scene.Rate, Mode(channels));
            else AudioSettings.outputSampleRate = scene.Rate;
            if (how == "manual" && scene.Face != null) scene.Face.SetManualFormat(scene.Rate, channels);
        }

        static AudioSpeakerMode Mode(int channels)
        {
            return channels == 1 ? AudioSpeakerMode.Mono : channels == 2 ? AudioSpeakerMode.Stereo : AudioSpeakerMode.Mode5point1;
        }

        static void Speak(TestScene scene, float[] samples, int channels, Record record)
        {
            var face = scene.Face;
            var frames = scene.Rate / 50;
            var block = new float[frames * channels];
            for (var first = 0; first < samples.Length; first += block.Length)
            {
                Array.Copy(samples, first, block, 0, block.Length);
                TestScene.Wait(1 / 50.0);
                if (face.Input == FaceInput.Manual) Expect.True(face.Push(block, frames), "the block is taken");
                else scene.Source.Mix(block, channels);
                var shown = face.PlaybackTime;
                scene.Settle();
                scene.Tick();  // may notice a new device ...
                scene.Settle();
                scene.Tick();  // ... and now shows this very moment
                var step = face.PlaybackTime - shown;
                Expect.True(record.Empty || step >= 0 && step < 0.04, "time goes on evenly, not by " + step);
                Expect.True(face.IsSpeaking, "and so does the voice");
                if (face.PlaybackTime >= 0) record.Add(scene);
            }
        }
    }
}
