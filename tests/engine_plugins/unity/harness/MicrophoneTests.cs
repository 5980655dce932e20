using System;
using System.Reflection;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>SAMPLES RATE CHANNELS MODEL OUT: devices that drift, disappear and return.</summary>
    static class MicrophoneTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[3]);
            OpensADeviceWhenItIsAvailable();
            RecoversANamedDevice();
            LimitsTheSampleRateToTheDevice();
            Microphone.Channels = int.Parse(arguments[2]);
            FollowsADriftingDevice(arguments);
        }

        static void OpensADeviceWhenItIsAvailable()
        {
            Microphone.devices = new string[0];
            using (var scene = new TestScene())
            {
                scene.AddFace();
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                scene.Tick();
                Expect.True(!microphone.IsRecording, "without a device nothing records");
                Expect.OneWarning("microphone cannot be opened");
                Microphone.devices = new[] { "built in", "headset" };
                TestScene.Wait(2);
                scene.Tick();
                Expect.True(microphone.IsRecording, "a new device is opened");
                ChangeSettings(scene, microphone);
            }
        }

        static void ChangeSettings(TestScene scene, KoeMorphMicrophone microphone)
        {
            SetField(microphone, "_device", "headset");
            scene.Tick();
            Expect.True(microphone.IsRecording && Microphone.Name == "headset", "a device set in the inspector is opened");
            SetField(microphone, "_sampleRate", 32000);
            scene.Tick();
            Expect.True(microphone.IsRecording && Microphone.Clip.frequency == 32000, "a sample rate set in the inspector is used");
            microphone.Device = "";
            Expect.True(!Microphone.Recording, "the previous device is closed");
            scene.Tick();
            Expect.True(microphone.IsRecording && Microphone.Name == null, "an empty name is the default device");
            microphone.enabled = false;
            Expect.True(!Microphone.Recording, "a disabled component closes the device");
            Expect.NoMessages();
        }

        // Microphone.Start throws for a device that is not connected.
        static void RecoversANamedDevice()
        {
            Microphone.devices = new[] { "built in", "headset" };
            using (var scene = new TestScene { Rate = 16000 })
            {
                scene.AddFace();
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                microphone.Device = "headset";
                Speak(scene, 1, 1, new float[0], new Record());
                var recording = Microphone.Clip;
                var pushed = scene.Face.Info.PushedSamples;
                Microphone.devices = new[] { "built in" };
                scene.Tick();
                Expect.True(!microphone.IsRecording && scene.Face.Info.PushedSamples == pushed, "a missing device is detected, old samples are not read again");
                Expect.True(recording == null, "the clip of the recording is destroyed");
                for (var i = 0; i < 300; i++)
                {
                    TestScene.Wait(1 / 60.0);
                    scene.Tick();
                }
                Expect.OneWarning("'headset' was lost");
                Microphone.devices = new[] { "built in", "headset" };
                TestScene.Wait(2);
                scene.Tick();
                Expect.True(microphone.IsRecording && Microphone.Name == "headset", "the device is opened again");
                Expect.NoMessages();
            }
        }

        static void LimitsTheSampleRateToTheDevice()
        {
            Microphone.MinimumFrequency = 44100;
            Microphone.MaximumFrequency = 48000;
            using (var scene = new TestScene())
            {
                scene.AddFace();
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                scene.Tick();
                Expect.True(microphone.IsRecording && Microphone.Clip.frequency == 44100, "the nearest supported sample rate is used");
                Expect.NoMessages();
            }
            Microphone.MinimumFrequency = Microphone.MaximumFrequency = 0;
        }

        static void FollowsADriftingDevice(string[] arguments)
        {
            using (var scene = new TestScene { Rate = 16000 })
            {
                var face = scene.AddFace();
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                scene.Tick();
                var record = new Record();
                Speak(scene, 3, 1.003, TestScene.ReadSamples(arguments[0]), record);
                record.Save(arguments[4]);
                Expect.True(Math.Abs(face.Info.PushedSamples / 16000.0 - face.PlaybackTime) < 0.2, "the playback time follows a fast device");

                for (var i = 0; i < 90; i++)  // unplugged: the position stops
                {
                    TestScene.Wait(1 / 60.0);
                    scene.Tick();
                }
                Expect.OneWarning("was lost");
                var info = face.Info;
                var displayed = face.PlaybackTime;
                Microphone.Channels = 1;
                Microphone.Frequency = 44100;
                scene.Rate = 44100;
                TestScene.Wait(2);
                scene.Tick();
                Expect.True(microphone.IsRecording, "another device is opened");
                Speak(scene, 1, 1, new float[0], new Record());
                Expect.NoMessages();
                Expect.True(face.IsSpeaking, "the face has audio again");
                Expect.True(face.Info.FrameCount > info.FrameCount + 30 && face.PlaybackTime > displayed + 1, "the stream continues");
                Expect.True(face.Info.PushedSamples > info.PushedSamples + 44100, "the sample rate is that of the new device");
            }
        }

        // A device whose clock runs at `speed` times the game's clock writes samples to its ring buffer.
        static void Speak(TestScene scene, double seconds, double speed, float[] samples, Record record)
        {
            if (Microphone.Clip == null || !Microphone.Recording) scene.Tick();
            var ring = Microphone.Clip.Data;
            var rate = Microphone.Clip.frequency;
            var written = 0;
            for (var recorded = 0.0; recorded < seconds; recorded += speed / 60)
            {
                var frames = (int)(recorded * rate);
                for (; written < frames * Microphone.Channels; written++)
                    ring[written % ring.Length] = written < samples.Length ? samples[written] : 0;
                Microphone.Position = frames % rate;
                TestScene.Wait(1 / 60.0);
                scene.Tick();
                scene.Settle();
                scene.Tick();
                // Before the clock has adapted to the device, it may be ahead of the newest frame.
                if (scene.Face.PlaybackTime >= 0.25) record.Add(scene);
            }
        }

        static void SetField(KoeMorphMicrophone microphone, string name, object value)
        {
            typeof(KoeMorphMicrophone).GetField(name, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(microphone, value);
        }
    }
}
