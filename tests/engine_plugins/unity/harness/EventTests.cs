using System.Linq;
using System.Reflection;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: changes of a face by event listeners and by the inspector.</summary>
    static class EventTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            TestScene.AddBundledAsset(BundledAssets.Models, arguments[1], "other");
            VoiceStartedListenerDisablesTheFace();
            VoiceStoppedListenerDisablesTheFace();
            WeightsReadyListenerDisablesTheFace();
            ExceptionOfAListenerDoesNotStopTheFace();
            ListenerRestartsTheFaceDuringARestart();
            InspectorRestartsTheFace();
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
            Expect.NoMessages();
        }

        static void VoiceStartedListenerDisablesTheFace()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace().VoiceStarted.AddListener(() => scene.Face.enabled = false);
                scene.Source.Play();
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest && !scene.Face.IsSpeaking && Taps(scene) == 0, "the face is neutral and detached");
            }
        }

        static void VoiceStoppedListenerDisablesTheFace()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.VoiceStopped.AddListener(() => scene.Face.enabled = false);
                SpeechStateTests.Pass(scene, 1);
                Expect.True(scene.AtRest && !scene.Face.enabled && Taps(scene) == 0, "the face is disabled");
                scene.Face.enabled = true;
                ErrorTests.Speak(scene);
                Expect.True(scene.Face.IsSpeaking && !scene.AtRest, "an enabled face animates again");
            }
        }

        static void WeightsReadyListenerDisablesTheFace()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.WeightsReady += weights => scene.Face.enabled = false;
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest && !scene.Face.IsSpeaking, "the face is neutral");
            }
        }

        static void ExceptionOfAListenerDoesNotStopTheFace()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace().VoiceStarted.AddListener(() => KoeMorphPreset.LoadBundled("none"));
                scene.Source.Play();
                try
                {
                    ErrorTests.Speak(scene);
                    Expect.True(false, "the exception reaches the engine");
                }
                catch (KoeMorphException)
                {
                    ErrorTests.Speak(scene);
                }
                Expect.True(!scene.AtRest && scene.Face.Error == "", "the face continues");
            }
        }

        static void ListenerRestartsTheFaceDuringARestart()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var head = new GameObject("Other");
                var other = head.AddComponent<AudioSource>();
                scene.Face.VoiceStopped.AddListener(() => scene.Face.Source = other);
                scene.Face.ModelName = "other";
                Expect.True(scene.Face.Source == other && scene.Face.Info.Fps == 60, "both changes apply");
                Expect.True(Taps(scene) == 0 && head.GetComponents<KoeMorphAudioTap>().Length == 1, "one source has a tap");
                Expect.True(ModelCache.InUse == 1, "one model is in use");
                Object.Destroy(head);
                scene.Face.enabled = false;
            }
        }

        static void InspectorRestartsTheFace()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var pushed = scene.Face.Info.PushedSamples;
                SetInInspector(scene, "_delay", 0.1f);
                Expect.True(scene.Face.Info.PushedSamples >= pushed && scene.Face.Info.Fps == 30, "a change of Delay does not restart the stream");
                SetInInspector(scene, "_modelName", "other");
                Expect.True(scene.Face.Info.Fps == 60, "another model restarts it");
                scene.Face.Renderers = null;
                Expect.True(scene.Face.Renderers.Length == 0 && scene.Face.MatchedShapes().Any(), "without renderers all meshes are used");
                SetInInspector(scene, "_input", FaceInput.Manual);
                Expect.True(Taps(scene) == 0, "another input removes the tap");
            }
        }

        static void SetInInspector(TestScene scene, string field, object value)
        {
            typeof(KoeMorphFace).GetField(field, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(scene.Face, value);
            scene.Face.Message("OnValidate");
            scene.Tick();
        }

        static int Taps(TestScene scene) { return scene.Head.GetComponents<KoeMorphAudioTap>().Count(tap => tap != null); }
    }
}
