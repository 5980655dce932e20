using System;
using System.Linq;
using System.Reflection;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>What can be missing or change under a face: each one clear message, and a face at rest.</summary>
    static class ErrorTests
    {
        /// <summary>MODEL</summary>
        public static void Run(string[] arguments)
        {
            NoModel();
            NotAModel();
            TestScene.UseModel(arguments[0]);
            NoSource();
            StreamingClip();
            ClipThatIsNotLoaded();
            NoShapes();
            NotAPreset();
            NotAMap();
            DeviceChange();
            OtherChannels();
            MeshChange();
            ModelTakenAway(arguments[0]);
            SceneChange();
        }

        /// <summary>MODEL, run where libkoemorph cannot be found.</summary>
        public static void NoLibrary(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            FailsToStart("native library", "koemorph", "Platforms");
            var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
            OnValidate(preset);
            var element = new UnityEditor.SerializedProperty { propertyPath = "_controls.Multiplier.Array.data[17]" };
            AssetSelectionTests.Draw("PerBlendshapeDrawer", new PerBlendshapeAttribute(), element);
            Expect.NoMessages();  // faces say it, and presets can still be looked at
        }

        /// <summary>MODEL, run where ONNX Runtime cannot be found.</summary>
        public static void NoRuntime(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            FailsToStart("ONNX Runtime");
        }

        /// <summary>MODEL, run with a library that says it is version 0.9.0.</summary>
        public static void OtherVersion(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
            OnValidate(preset);
            Expect.NoMessages();  // faces say it
            FailsToStart("0.9.0", "needs 0.1.x", "restart Unity");
        }

        // As the editor does when it has made or loaded a preset.
        static void OnValidate(KoeMorphPreset preset)
        {
            typeof(KoeMorphPreset).GetMethod("OnValidate", BindingFlags.Instance | BindingFlags.NonPublic).Invoke(preset, null);
        }

        static void NoModel()
        {
            Resources.Content.Clear();
            FailsToStart("No bundled models", "Resources/KoeMorph/models");
        }

        static void NotAModel()
        {
            Resources.Content["KoeMorph/models/koemorph-30"] = new TextAsset(new byte[] { 1, 2, 3, 4 });
            FailsToStart("model");
        }

        // The shapes' names come from the library too, which may be what is missing: no TestScene here.
        static void FailsToStart(params string[] words)
        {
            var head = new GameObject("Head");
            var source = head.AddComponent<AudioSource>();
            var face = head.AddComponent<KoeMorphFace>();
            source.Mix(new float[2048], 2);
            face.Message("LateUpdate");
            face.Message("LateUpdate");
            Expect.True(face.Error.Length > 0, "the face knows what is wrong");
            Expect.True(face.Weights.All(weight => weight == 0), "the face is at rest");
            Expect.True(face.Info.Fps == 0, "there is no stream");
            Expect.OneError(words);
            UnityEngine.Object.Destroy(head);
            Expect.True(ModelCache.InUse == 0, "no model is left behind");
        }

        static void NoSource()
        {
            var head = new GameObject("Head");
            var face = head.AddComponent<KoeMorphFace>();
            Expect.NoMessages();  // a script may still set it
            face.Message("LateUpdate");
            face.Message("LateUpdate");
            Expect.OneError("Source", "Head");
            UnityEngine.Object.Destroy(head);

            using (var scene = CreateSpeaking())
            {
                UnityEngine.Object.Destroy(scene.Source);
                scene.Tick();
                Expect.True(scene.AtRest, "a face whose source is destroyed is at rest");
                Expect.OneError("Source", "Head");
            }

            var bare = new GameObject("Bare");
            bare.AddComponent<KoeMorphMicrophone>().Message("Update");
            bare.GetComponent<KoeMorphFace>().Message("LateUpdate");
            Debug.Console.RemoveAll(line => line.StartsWith("warning"));  // no device, no shapes
            Expect.NoMessages();
            UnityEngine.Object.Destroy(bare);
        }

        static void StreamingClip()
        {
            var head = new GameObject("Head");
            head.AddComponent<AudioSource>().clip = new AudioClip { name = "song" };
            var face = head.AddComponent<KoeMorphFace>();
            Debug.Console.Clear();
            face.Input = FaceInput.AudioClip;
            Expect.True(face.Error.Length > 0, "a clip without samples is a problem");
            Debug.Console.RemoveAll(line => line.StartsWith("warning"));
            Expect.OneError("KoeMorph");
            UnityEngine.Object.Destroy(head);
        }

        static void ClipThatIsNotLoaded()
        {
            using (var scene = new TestScene())
            {
                var clip = AudioClip.Create("later", 48000, 1, 48000, false);
                clip.loadState = AudioDataLoadState.Unloaded;
                scene.Source.clip = clip;
                scene.AddFace().Input = FaceInput.AudioClip;
                scene.Tick();
                Expect.True(scene.Face.Error == "" && scene.Face.Info.Fps == 0, "a clip that is loaded when it is played is waited for");
                scene.Source.Play();
                clip.loadState = AudioDataLoadState.Loading;
                scene.Tick();
                Expect.True(scene.Face.Error == "" && scene.Face.Info.Fps == 0, "and while it is being loaded");
                clip.loadState = AudioDataLoadState.Loaded;
                scene.Tick();
                Expect.True(scene.Face.Info.PushedSamples > 0, "the face then hears it");
                Expect.NoMessages();
                scene.Source.clip = AudioClip.Create("gone", 48000, 1, 48000, false);
                scene.Source.clip.loadState = AudioDataLoadState.Failed;
                scene.Tick();
                scene.Tick();
                Expect.OneError("gone");
            }
        }

        static void NoShapes()
        {
            using (var scene = new TestScene())
            {
                scene.Renderer.sharedMesh = new Mesh(100, "Smile");
                scene.AddFace();
                Expect.True(Debug.Console.Count == 1 && Debug.Console[0].Contains("jawOpen"), "one warning says which names it looks for");
                Debug.Console.Clear();
                Expect.True(scene.Face.Error == "", "Weights can still be read");
            }
        }

        static void NotAPreset()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Face.Preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
                scene.Face.Preset.File = new TextAsset(System.Text.Encoding.UTF8.GetBytes("{\n  oops"));
                Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error != "", "with a broken preset the face goes on as it was");
                Expect.OneError("line 2");
                UnityEngine.Object.Destroy(scene.Source);
                scene.Tick();
                Expect.True(scene.AtRest, "until its source is destroyed");
                Expect.OneError("Source", "Head");
            }
        }

        static void NotAMap()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Face.Map = new TextAsset(System.Text.Encoding.UTF8.GetBytes("{}"));
                Expect.True(scene.AtRest, "with a broken map the face is at rest");
                Expect.OneError("retarget file");
            }
        }

        static void DeviceChange()
        {
            using (var scene = CreateSpeaking())
            {
                var pushed = scene.Face.Info.PushedSamples;
                var tap = scene.Head.GetComponent<KoeMorphAudioTap>();
                AudioSettings.Change(44100, AudioSpeakerMode.Mono);
                Expect.True(!scene.AtRest, "a new device finds the face as it was");
                Expect.True(scene.Head.GetComponents<KoeMorphAudioTap>().Length == 1, "one tap is left");
                Expect.True(scene.Head.GetComponent<KoeMorphAudioTap>() != tap, "which the new mixer knows");
                scene.Source.Mix(new float[1024], 1);
                scene.Tick();
                Expect.True(scene.Face.Error == "" && scene.Face.Info.PushedSamples == pushed + 1024, "and it listens on");
                Expect.NoMessages();
                AudioSettings.Change(7, AudioSpeakerMode.Mono);
                Expect.True(scene.AtRest, "a device that no stream takes leaves the face at rest");
                Expect.OneError("8000");
                AudioSettings.Change(48000, AudioSpeakerMode.Stereo);
                Expect.True(scene.Face.Error == "", "until there is one");
            }
        }

        static void OtherChannels()
        {
            using (var scene = CreateSpeaking())
            {
                var pushed = scene.Face.Info.PushedSamples;
                scene.Source.Mix(new float[1024 * 6], 6);  // not what the settings promised
                Expect.True(scene.Face.Info.PushedSamples == pushed, "what does not fit is left out");
                scene.Tick();
                Expect.True(scene.Face.Info.PushedSamples == pushed + 1024, "and is silence");
                scene.Source.Mix(new float[1024 * 6], 6);
                Expect.True(scene.Face.Info.PushedSamples == pushed + 2048, "a face takes what the mixer really gives");
                Expect.NoMessages();
            }
        }

        static void MeshChange()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Renderer.sharedMesh = new Mesh(1, "JawOpen");  // full at 1, not at 100
                scene.Tick();
                scene.Tick();
                var jaw = scene.Face.Weights[Array.IndexOf(KoeMorphFace.Names, "jawOpen")];
                Expect.True(Math.Abs(scene.Renderer.GetBlendShapeWeight(0) - jaw) < 1e-6, "the new mesh is driven by its own scale");
                Expect.NoMessages();
            }
        }

        // As AssetBundle.Unload(true) does while the face still speaks.
        static void ModelTakenAway(string path)
        {
            using (var scene = CreateSpeaking())
            {
                var own = new TextAsset(System.IO.File.ReadAllBytes(path));
                scene.Face.Model = own;
                UnityEngine.Object.Destroy(own);
                Speak(scene);
                Expect.True(!scene.AtRest, "a face outlives the asset of its model");
            }
            Expect.True(ModelCache.InUse == 0, "and lets the model go");
            Expect.NoMessages();
        }

        // The rate changes, and then the scene goes, while the mixer is still at work.
        static void SceneChange()
        {
            for (var i = 0; i < 10; i++)
            {
                var scene = CreateSpeaking();
                var tap = scene.Head.GetComponent<KoeMorphAudioTap>();
                var block = new float[TestScene.Block * 2];
                var mixing = true;
                var audio = new Thread(() => { while (Volatile.Read(ref mixing)) tap.Message("OnAudioFilterRead", block, 2); });
                audio.Start();
                foreach (var rate in new[] { 44100, 16000, 48000 })
                {
                    AudioSettings.outputSampleRate = rate;
                    scene.Tick();
                }
                if (i % 2 == 0)
                {
                    UnityEngine.Object.Destroy(scene.Face);
                    Expect.True(scene.AtRest, "a mesh that loses its face is at rest");
                }
                scene.Dispose();
                Volatile.Write(ref mixing, false);
                audio.Join();
                Expect.NoMessages();
            }
            Expect.True(ModelCache.InUse == 0, "no model is left behind");
        }

        /// <summary>A head in mid-speech.</summary>
        public static TestScene CreateSpeaking()
        {
            var scene = new TestScene();
            scene.AddFace();
            scene.Source.Play();
            Speak(scene);
            Expect.True(scene.Face.IsSpeaking, "the face follows a voice");
            return scene;
        }

        public static void Speak(TestScene scene)
        {
            var block = new float[TestScene.Block * 2];
            for (var i = 0; i < 20; i++)
            {
                Fill(block, i * TestScene.Block);
                scene.Source.Mix(block, 2);
                TestScene.Wait(TestScene.Block / 48000.0);
                scene.Settle();
                scene.Tick();
            }
        }

        /// <summary>Four syllables a second of a buzz with a vowel's first two formants, 48 kHz stereo.</summary>
        public static void Fill(float[] stereo, int first = 0)
        {
            for (var i = 0; i < stereo.Length; i++)
            {
                var time = (first + i / 2) / 48000.0;
                var buzz = 0.0;
                for (var harmonic = 1; harmonic < 20; harmonic++)
                    buzz += Math.Sin(2 * Math.PI * 120 * harmonic * time) * (harmonic == 6 || harmonic == 10 ? 0.1 : 0.02);
                stereo[i] = (float)(buzz * (1 - Math.Cos(2 * Math.PI * 4 * time)));
            }
        }
    }
}
