using System.Linq;
using System.Reflection;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: what listeners of a face and the inspector do to it in the midst of its work.</summary>
    static class EventTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            TestScene.AddBundledAsset(BundledAssets.Models, arguments[1], "other");
            AVoiceThatBeginsMayDisableItsFace();
            AVoiceThatStopsMayDisableItsFace();
            WeightsMayDisableTheirFace();
            AListenersMistakeIsItsOwn();
            AListenerMayStartTheFaceAnewWhileItIs();
            TheInspectorStartsItAnew();
            Expect.True(ModelCache.InUse == 0, "no model is left behind");
            Expect.NoMessages();
        }

        static void AVoiceThatBeginsMayDisableItsFace()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace().VoiceStarted.AddListener(() => scene.Face.enabled = false);
                scene.Source.Play();
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest && !scene.Face.IsSpeaking && Taps(scene) == 0, "the face is at rest and hears no more");
            }
        }

        static void AVoiceThatStopsMayDisableItsFace()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.VoiceStopped.AddListener(() => scene.Face.enabled = false);
                SpeechStateTests.Pass(scene, 1);
                Expect.True(scene.AtRest && !scene.Face.enabled && Taps(scene) == 0, "the face ends with its voice");
                scene.Face.enabled = true;
                ErrorTests.Speak(scene);
                Expect.True(scene.Face.IsSpeaking && !scene.AtRest, "and speaks again when it is enabled");
            }
        }

        static void WeightsMayDisableTheirFace()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                scene.Face.WeightsReady += weights => scene.Face.enabled = false;
                ErrorTests.Speak(scene);
                Expect.True(scene.AtRest && !scene.Face.IsSpeaking, "the face is at rest");
            }
        }

        static void AListenersMistakeIsItsOwn()
        {
            using (var scene = new TestScene())
            {
                scene.AddFace().VoiceStarted.AddListener(() => KoeMorphPreset.LoadBundled("none"));
                scene.Source.Play();
                try
                {
                    ErrorTests.Speak(scene);
                    Expect.True(false, "the engine hears of it");
                }
                catch (KoeMorphException)
                {
                    ErrorTests.Speak(scene);
                }
                Expect.True(!scene.AtRest && scene.Face.Error == "", "and the face goes on");
            }
        }

        static void AListenerMayStartTheFaceAnewWhileItIs()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var head = new GameObject("Elsewhere");
                var other = head.AddComponent<AudioSource>();
                scene.Face.VoiceStopped.AddListener(() => scene.Face.Source = other);
                scene.Face.ModelName = "other";
                Expect.True(scene.Face.Source == other && scene.Face.Info.Fps == 60, "both changes are in force");
                Expect.True(Taps(scene) == 0 && head.GetComponents<KoeMorphAudioTap>().Length == 1, "and one source is heard");
                Expect.True(ModelCache.InUse == 1, "with one model");
                Object.Destroy(head);
                scene.Face.enabled = false;
            }
        }

        static void TheInspectorStartsItAnew()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var pushed = scene.Face.Info.PushedSamples;
                Inspect(scene, "_delay", 0.1f);
                Expect.True(scene.Face.Info.PushedSamples >= pushed && scene.Face.Info.Fps == 30, "a slider that is moved does not");
                Inspect(scene, "_modelName", "other");
                Expect.True(scene.Face.Info.Fps == 60, "another model does");
                scene.Face.Renderers = null;
                Expect.True(scene.Face.Renderers.Length == 0 && scene.Face.MatchedShapes().Any(), "no renderers are all there are");
                Inspect(scene, "_input", FaceInput.Manual);
                Expect.True(Taps(scene) == 0, "and another input lets the source go");
            }
        }

        static void Inspect(TestScene scene, string field, object value)
        {
            typeof(KoeMorphFace).GetField(field, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(scene.Face, value);
            scene.Face.Message("OnValidate");
            scene.Tick();
        }

        static int Taps(TestScene scene) { return scene.Head.GetComponents<KoeMorphAudioTap>().Count(tap => tap != null); }
    }
}
