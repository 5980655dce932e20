using System;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: a frame and an audio block allocate nothing after warm-up.</summary>
    static class AllocationTests
    {
        const int Frames = 1000;
        const int Rate = 48000;

        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            Expect.True(Measure(() => GC.KeepAlive(new byte[1])) >= Frames, "the runtime reports allocations");
            AudioSourceInput();
            AudioClipInput();
            ManualInput();
            MicrophoneInput();
            Expect.NoMessages();
        }

        static void AudioSourceInput()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace();
                scene.Source.Play();
                var block = new float[TestScene.Block * 2];
                ErrorTests.Fill(block);
                var tap = scene.Head.GetComponent<KoeMorphAudioTap>();
                var filter = Bind<Action<float[], int>>(tap, "OnAudioFilterRead");
                var update = Bind<Action>(scene.Face, "LateUpdate");
                ExpectNoAllocation("a block through OnAudioFilterRead and a frame", () => { filter(block, 2); update(); });
                Expect.True(scene.Face.IsSpeaking, "the face had audio");
                ExpectNoAllocation("a frame without audio", update);
                Expect.True(!scene.Face.IsSpeaking, "the audio stopped");
            }
        }

        static void AudioClipInput()
        {
            using (var scene = new TestScene())
            {
                scene.Source.clip = UnityEngine.AudioClip.Create("voice", 60 * Rate, 1, Rate, false);
                var face = scene.AddFace();
                face.Input = FaceInput.AudioClip;
                scene.Source.Play();
                var update = Bind<Action>(face, "LateUpdate");
                var source = scene.Source;
                var position = 0;
                ExpectNoAllocation("a frame of a clip", () => { source.timeSamples = position += Rate / 60; update(); });
                Expect.True(face.IsSpeaking && face.PlaybackTime > Frames / 60, "the face followed the clip");
            }
        }

        static void ManualInput()
        {
            using (var scene = new TestScene())
            {
                var face = scene.AddFace();
                face.Input = FaceInput.Manual;
                var block = new float[Rate / 60];
                var update = Bind<Action>(face, "LateUpdate");
                ExpectNoAllocation("a push and a frame", () => { face.Push(block, block.Length); update(); });
                Expect.True(face.Info.PushedSamples >= Frames * block.Length, "the samples were pushed");
            }
        }

        static void MicrophoneInput()
        {
            using (var scene = new TestScene())
            {
                Microphone.devices = new[] { "built in" };
                var face = scene.AddFace();
                var microphone = scene.Head.AddComponent<KoeMorphMicrophone>();
                var update = Bind<Action>(microphone, "Update");
                var late = Bind<Action>(face, "LateUpdate");
                ExpectNoAllocation("a frame of the microphone", () =>
                {
                    Microphone.Position = (Microphone.Position + 16000 / 60) % 16000;
                    update();
                    late();
                });
                Expect.True(microphone.IsRecording && face.IsSpeaking, "the microphone recorded");
                Microphone.devices = new string[0];
            }
        }

        static void ExpectNoAllocation(string what, Action frame)
        {
            for (var warm = 0; warm < 200; warm++) Pass(frame);
            var collections = GC.CollectionCount(0);
            var allocated = Measure(() => Pass(frame));
            Expect.True(allocated == 0, what + " allocates nothing, but " + Frames + " of them " + allocated + " bytes");
            Expect.True(GC.CollectionCount(0) == collections, "no garbage collection");
            Console.WriteLine(what + ": " + allocated / (double)Frames + " bytes");
        }

        static void Pass(Action frame)
        {
            TestScene.Wait(1 / 60.0);
            frame();
        }

        static long Measure(Action frame)
        {
            GC.GetAllocatedBytesForCurrentThread();  // its first call allocates
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < Frames; i++) frame();
            return GC.GetAllocatedBytesForCurrentThread() - before;
        }

        // As the engine calls messages; reflection would allocate.
        static T Bind<T>(object target, string message) where T : class
        {
            return (T)(object)Delegate.CreateDelegate(typeof(T), target, message);
        }
    }
}
