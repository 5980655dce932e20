using System;
using System.Linq;
using System.Reflection;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>Missing or changing assets, sources and devices: one message each, and a neutral face.</summary>
    static class ErrorTests
    {
        /// <summary>MODEL</summary>
        public static void Run(string[] arguments)
        {
            NoModel();
            InvalidModel();
            TestScene.UseModel(arguments[0]);
            NoSource();
            StreamingClip();
            ClipThatIsNotLoaded();
            NoShapes();
            InvalidPreset();
            InvalidMap();
            DeviceChange();
            OtherChannels();
            MeshChange();
            AuthoredWeightsAreRestored();
            ModelAssetIsUnloaded(arguments[0]);
            SceneChange();
        }

        /// <summary>MODEL; libkoemorph is missing.</summary>
        public static void NoLibrary(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            FailsToStart("native library", "koemorph", "Platforms");
            var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
            OnValidate(preset);
            var element = new UnityEditor.SerializedProperty { propertyPath = "_controls.Multiplier.Array.data[17]" };
            AssetSelectionTests.Draw("PerBlendshapeDrawer", new PerBlendshapeAttribute(), element);
            Expect.NoMessages();  // faces report it; presets can be displayed
        }

        /// <summary>MODEL; the library reports version 0.9.0.</summary>
        public static void OtherVersion(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
            OnValidate(preset);
            Expect.NoMessages();  // faces report it
            FailsToStart("0.9.0", "needs 0.1.x", "restart Unity");
        }

        // As the editor does when it creates or loads a preset.
        static void OnValidate(KoeMorphPreset preset)
        {
            typeof(KoeMorphPreset).GetMethod("OnValidate", BindingFlags.Instance | BindingFlags.NonPublic).Invoke(preset, null);
        }

        static void NoModel()
        {
            Resources.Content.Clear();
            FailsToStart("No bundled models", "Resources/KoeMorph/models");
        }

        static void InvalidModel()
        {
            Resources.Content["KoeMorph/models/koemorph-30"] = new TextAsset(new byte[] { 1, 2, 3, 4 });
            FailsToStart("model");
        }

        // A TestScene needs the names in the library, which may be missing.
        static void FailsToStart(params string[] words)
        {
            var head = new GameObject("Head");
            var source = head.AddComponent<AudioSource>();
            var face = head.AddComponent<KoeMorphFace>();
            source.Mix(new float[2048], 2);
            face.Message("LateUpdate");
            face.Message("LateUpdate");
            Expect.True(face.Error.Length > 0, "the face has an error message");
            Expect.True(face.Weights.All(weight => weight == 0), "the face is neutral");
            Expect.True(face.Info.Fps == 0, "there is no stream");
            Expect.OneError(words);
            UnityEngine.Object.Destroy(head);
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
        }

        static void NoSource()
        {
            var head = new GameObject("Head");
            var face = head.AddComponent<KoeMorphFace>();
            Expect.NoMessages();  // a script may set it later
            face.Message("LateUpdate");
            face.Message("LateUpdate");
            Expect.OneError("Source", "Head");
            UnityEngine.Object.Destroy(head);

            using (var scene = CreateSpeaking())
            {
                UnityEngine.Object.Destroy(scene.Source);
                scene.Tick();
                Expect.True(scene.AtRest, "without a source the face is neutral");
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
            Expect.True(face.Error.Length > 0, "a clip without samples is an error");
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
                Expect.True(scene.Face.Error == "" && scene.Face.Info.Fps == 0, "the face waits for a clip that is not loaded");
                scene.Source.Play();
                clip.loadState = AudioDataLoadState.Loading;
                scene.Tick();
                Expect.True(scene.Face.Error == "" && scene.Face.Info.Fps == 0, "the face waits while it loads");
                clip.loadState = AudioDataLoadState.Loaded;
                scene.Tick();
                Expect.True(scene.Face.Info.PushedSamples > 0, "the loaded clip is used");
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
                Expect.True(Debug.Console.Count == 1 && Debug.Console[0].Contains("jawOpen"), "one warning names the blend shapes");
                Debug.Console.Clear();
                Expect.True(scene.Face.Error == "", "Weights can be read");
            }
        }

        static void InvalidPreset()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Face.Preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
                scene.Face.Preset.File = new TextAsset(System.Text.Encoding.UTF8.GetBytes("{\n  oops"));
                Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error != "", "an invalid preset keeps the previous controls");
                Expect.OneError("line 2");
                UnityEngine.Object.Destroy(scene.Source);
                scene.Tick();
                Expect.True(scene.AtRest, "a destroyed source is an error");
                Expect.OneError("Source", "Head");
            }
        }

        static void InvalidMap()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Face.Map = new TextAsset(System.Text.Encoding.UTF8.GetBytes("{}"));
                Expect.True(scene.AtRest, "an invalid map is an error");
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
                Expect.True(!scene.AtRest, "a format change keeps the weights");
                Expect.True(scene.Head.GetComponents<KoeMorphAudioTap>().Length == 1, "there is one tap");
                Expect.True(scene.Head.GetComponent<KoeMorphAudioTap>() != tap, "the tap is a new one");
                scene.Source.Mix(new float[1024], 1);
                scene.Tick();
                Expect.True(scene.Face.Error == "" && scene.Face.Info.PushedSamples == pushed + 1024, "the stream continues");
                Expect.NoMessages();
                AudioSettings.Change(7, AudioSpeakerMode.Mono);
                Expect.True(scene.AtRest, "an unsupported sample rate is an error");
                Expect.OneError("8000");
                AudioSettings.Change(48000, AudioSpeakerMode.Stereo);
                Expect.True(scene.Face.Error == "", "a supported sample rate clears the error");
            }
        }

        static void OtherChannels()
        {
            using (var scene = CreateSpeaking())
            {
                var pushed = scene.Face.Info.PushedSamples;
                scene.Source.Mix(new float[1024 * 6], 6);  // differs from AudioSettings
                Expect.True(scene.Face.Info.PushedSamples == pushed, "blocks with other channels are rejected");
                scene.Tick();
                Expect.True(scene.Face.Info.PushedSamples == pushed + 1024, "rejected blocks become silence");
                scene.Source.Mix(new float[1024 * 6], 6);
                Expect.True(scene.Face.Info.PushedSamples == pushed + 2048, "the new channel count is used");
                Expect.NoMessages();
            }
        }

        static void MeshChange()
        {
            using (var scene = CreateSpeaking())
            {
                scene.Renderer.sharedMesh = new Mesh(1, "JawOpen");  // full weight 1 instead of 100
                scene.Tick();
                scene.Tick();
                var jaw = scene.Face.Weights[Array.IndexOf(KoeMorphFace.Names, "jawOpen")];
                Expect.True(Math.Abs(scene.Renderer.GetBlendShapeWeight(0) - jaw) < 1e-6, "the full weight of the new mesh is used");
                Expect.NoMessages();
            }
        }

        static void AuthoredWeightsAreRestored()
        {
            using (var scene = new TestScene())
            {
                var jaw = Array.IndexOf(KoeMorphFace.Names, "jawOpen");
                scene.Renderer.SetBlendShapeWeight(jaw, 30);
                scene.AddFace();
                scene.Source.Play();
                Speak(scene);
                Expect.True(Math.Abs(scene.Renderer.GetBlendShapeWeight(jaw) - 30) > 0.01, "the weight is animated");
                scene.Face.enabled = false;
                Expect.True(scene.Renderer.GetBlendShapeWeight(jaw) == 30, "a disabled face restores the authored weights");
                scene.Face.enabled = true;
                Speak(scene);
                scene.Face.Map = new TextAsset(System.Text.Encoding.UTF8.GetBytes("{}"));
                Expect.True(scene.Renderer.GetBlendShapeWeight(jaw) == 30, "so does a face with an error");
                Debug.Console.Clear();
            }
        }

        // As AssetBundle.Unload(true) does.
        static void ModelAssetIsUnloaded(string path)
        {
            using (var scene = CreateSpeaking())
            {
                var own = new TextAsset(System.IO.File.ReadAllBytes(path));
                scene.Face.Model = own;
                UnityEngine.Object.Destroy(own);
                Speak(scene);
                Expect.True(!scene.AtRest, "the face continues without the asset");
            }
            Expect.True(ModelCache.InUse == 0, "the model is released");
            Expect.NoMessages();
        }

        // The sample rate changes and the scene is destroyed while the mixer runs.
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
                    Expect.True(scene.AtRest, "a destroyed face resets its mesh");
                }
                scene.Dispose();
                Volatile.Write(ref mixing, false);
                audio.Join();
                Expect.NoMessages();
            }
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
        }

        /// <summary>A head with audio playing.</summary>
        public static TestScene CreateSpeaking()
        {
            var scene = new TestScene();
            scene.AddFace();
            scene.Source.Play();
            Speak(scene);
            Expect.True(scene.Face.IsSpeaking, "the face has audio");
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

        /// <summary>Synthetic vowels, four per second, 48 kHz stereo.</summary>
        public static void Fill(float[] stereo, int first = 0)
        {
            for (var i = 0; i < stereo.Length; i++)
            {
                var time = (first + i / 2) / 48000.0;
                var vowel = 0.0;
                for (var harmonic = 1; harmonic < 20; harmonic++)
                    vowel += Math.Sin(2 * Math.PI * 120 * harmonic * time) * (harmonic == 6 || harmonic == 10 ? 0.1 : 0.02);
                stereo[i] = (float)(vowel * (1 - Math.Cos(2 * Math.PI * 4 * time)));
            }
        }
    }
}
