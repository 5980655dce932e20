using System;
using System.IO;
using System.Linq;
using KoeMorph.Editor;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>SAMPLES RATE CHANNELS MODEL OUT: bakes a clip from the window, and draws the inspector.</summary>
    static class BakeTests
    {
        public static void Bake(string[] arguments)
        {
            TestScene.UseModel(arguments[3]);
            using (var scene = new TestScene())
            {
                var face = scene.AddFace();
                var clip = PlaybackTests.Clip(arguments);
                clip.loadState = AudioDataLoadState.Unloaded;  // without Preload Audio Data
                AssetDatabase.Assets["Assets/Voice/voice.wav"] = clip;
                AssetDatabase.Assets["Assets/Voice/streamed.wav"] = new AudioClip { name = "streamed" };
                Selection.Paths.Add("Assets/Voice");
                var window = ScriptableObject.CreateInstance<BakeWindow>();
                Call(window, "OnSelectionChange");
                Expect.True((bool)Call(window, "CanOpen"), "a selected folder enables the menu");
                Expect.True(AssetDatabase.Loads == 0, "neither the menu nor the window loads the selected clips");
                SetField(window, "_face", face);
                for (var time = 0; time < 2; time++)  // the second time replaces the asset
                {
                    Call(window, "OnGUI");
                    Expect.OneError("streamed", "Decompress On Load");
                }
                clip.loadState = AudioDataLoadState.Unloaded;
                clip.LoadsInBackground = true;
                AssetDatabase.Assets.Remove("Assets/Voice/streamed.wav");
                Selection.Paths[0] = "Assets/Voice/voice.wav";
                Call(window, "OnSelectionChange");
                Call(window, "OnGUI");
                Expect.OneError("voice", "still loading");
                clip.LoadsInBackground = false;
                Selection.Paths[0] = "Packages/com.voices/voice.wav";
                AssetDatabase.Assets[Selection.Paths[0]] = PlaybackTests.Clip(arguments);
                Call(window, "OnSelectionChange");
                Call(window, "OnGUI");
                Expect.OneError("voice", "Packages/com.voices/voice.anim", "copy of the clip in Assets");
                try
                {
                    FaceBaker.BakeToAsset(PlaybackTests.Clip(arguments), face, face.transform);
                    Expect.True(false, "a clip without a file cannot be saved");
                }
                catch (KoeMorphException error)
                {
                    Expect.True(error.Message.Contains("FaceBaker.Bake"), "the message names the alternative");
                }
                Save((AnimationClip)AssetDatabase.Assets["Assets/Voice/voice.anim"], arguments[4]);
                Inspect(face);
            }
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
        }

        // float64 rows: time, 52 weights.
        static void Save(AnimationClip baked, string path)
        {
            var curves = AnimationUtility.Curves[baked];
            Expect.True(curves.Count == 52, "only the 52 matched shapes have curves");
            Expect.True(curves.Keys.All(key => key.StartsWith("Mesh:blendShape.blendShape1.")), "curve paths are relative to the root");
            var keys = KoeMorphFace.Names
                .Select(name => curves["Mesh:blendShape." + TestScene.ShapeName(name)].keys)
                .ToArray();
            using (var writer = new BinaryWriter(File.Create(path)))
                for (var frame = 0; frame < keys[0].Length; frame++)
                {
                    writer.Write((double)keys[0][frame].time);
                    foreach (var curve in keys) writer.Write(curve[frame].value / 100.0);
                }
        }

        static void Inspect(KoeMorphFace face)
        {
            var type = typeof(FaceBaker).Assembly.GetType("KoeMorph.Editor.KoeMorphFaceEditor");
            var editor = (UnityEditor.Editor)Activator.CreateInstance(type);
            editor.targets = new UnityEngine.Object[] { face };
            editor.OnInspectorGUI();
            Expect.True(EditorGUILayout.HelpBoxes.Any(box => box == "Not driven: blendShape1.Scar"), "unmatched shapes are listed");
        }

        static void SetField(object target, string name, object value)
        {
            target.GetType().GetField(name, System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic).SetValue(target, value);
        }

        static object Call(object target, string name)
        {
            const System.Reflection.BindingFlags all = System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic;
            return target.GetType().GetMethod(name, all).Invoke(target, null);
        }
    }
}
