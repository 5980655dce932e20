using System.Linq;
using System.Reflection;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: what listeners of a face and the inspector do to it in the midst of its work.</summary>
    static class Listening
    {
        public static void Run(string[] arguments)
        {
            Stage.UseModel(arguments[0]);
            Stage.Package(Packaged.Models, arguments[1], "other");
            AVoiceThatBeginsMayDisableItsFace();
            AVoiceThatStopsMayDisableItsFace();
            WeightsMayDisableTheirFace();
            AListenersMistakeIsItsOwn();
            AListenerMayStartTheFaceAnewWhileItIs();
            TheInspectorStartsItAnew();
            Expect.True(SharedModel.Count == 0, "no model is left behind");
            Expect.NoComplaint();
        }

        static void AVoiceThatBeginsMayDisableItsFace()
        {
            using (var stage = new Stage())
            {
                stage.AddFace().VoiceStarted.AddListener(() => stage.Face.enabled = false);
                stage.Source.Play();
                Broken.Talk(stage);
                Expect.True(stage.AtRest && !stage.Face.IsSpeaking && Taps(stage) == 0, "the face is at rest and hears no more");
            }
        }

        static void AVoiceThatStopsMayDisableItsFace()
        {
            using (var stage = Broken.Talking())
            {
                stage.Face.VoiceStopped.AddListener(() => stage.Face.enabled = false);
                Resting.Pass(stage, 1);
                Expect.True(stage.AtRest && !stage.Face.enabled && Taps(stage) == 0, "the face ends with its voice");
                stage.Face.enabled = true;
                Broken.Talk(stage);
                Expect.True(stage.Face.IsSpeaking && !stage.AtRest, "and speaks again when it is enabled");
            }
        }

        static void WeightsMayDisableTheirFace()
        {
            using (var stage = Broken.Talking())
            {
                stage.Face.WeightsReady += weights => stage.Face.enabled = false;
                Broken.Talk(stage);
                Expect.True(stage.AtRest && !stage.Face.IsSpeaking, "the face is at rest");
            }
        }

        static void AListenersMistakeIsItsOwn()
        {
            using (var stage = new Stage())
            {
                stage.AddFace().VoiceStarted.AddListener(() => KoeMorphPreset.Named("none"));
                stage.Source.Play();
                try
                {
                    Broken.Talk(stage);
                    Expect.True(false, "the engine hears of it");
                }
                catch (KoeMorphException)
                {
                    Broken.Talk(stage);
                }
                Expect.True(!stage.AtRest && stage.Face.Problem == "", "and the face goes on");
            }
        }

        static void AListenerMayStartTheFaceAnewWhileItIs()
        {
            using (var stage = Broken.Talking())
            {
                var head = new GameObject("Elsewhere");
                var other = head.AddComponent<AudioSource>();
                stage.Face.VoiceStopped.AddListener(() => stage.Face.Source = other);
                stage.Face.ModelName = "other";
                Expect.True(stage.Face.Source == other && stage.Face.Info.Fps == 60, "both changes are in force");
                Expect.True(Taps(stage) == 0 && head.GetComponents<KoeMorphAudioTap>().Length == 1, "and one source is heard");
                Expect.True(SharedModel.Count == 1, "with one model");
                Object.Destroy(head);
                stage.Face.enabled = false;
            }
        }

        static void TheInspectorStartsItAnew()
        {
            using (var stage = Broken.Talking())
            {
                var pushed = stage.Face.Info.PushedSamples;
                Inspect(stage, "_delay", 0.1f);
                Expect.True(stage.Face.Info.PushedSamples >= pushed && stage.Face.Info.Fps == 30, "a slider that is moved does not");
                Inspect(stage, "_modelName", "other");
                Expect.True(stage.Face.Info.Fps == 60, "another model does");
                stage.Face.Renderers = null;
                Expect.True(stage.Face.Renderers.Length == 0 && stage.Face.MatchedShapes().Any(), "no renderers are all there are");
                Inspect(stage, "_input", FaceInput.Manual);
                Expect.True(Taps(stage) == 0, "and another input lets the source go");
            }
        }

        static void Inspect(Stage stage, string field, object value)
        {
            typeof(KoeMorphFace).GetField(field, BindingFlags.Instance | BindingFlags.NonPublic).SetValue(stage.Face, value);
            stage.Face.Message("OnValidate");
            stage.Tick();
        }

        static int Taps(Stage stage) { return stage.Head.GetComponents<KoeMorphAudioTap>().Count(tap => tap != null); }
    }
}
