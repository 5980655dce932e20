using System;
using System.IO;
using System.Linq;
using KoeMorph.Editor;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>SAMPLES RATE CHANNELS MODEL OUT: bakes a clip from the window, and draws the inspector.</summary>
    static class Baking
    {
        public static void Bake(string[] arguments)
        {
            Stage.UseModel(arguments[3]);
            using (var stage = new Stage())
            {
                var face = stage.AddFace();
                var clip = Playing.Clip(arguments);
                clip.loadState = AudioDataLoadState.Unloaded;  // without Preload Audio Data
                AssetDatabase.Assets["Assets/Voice/voice.wav"] = clip;
                AssetDatabase.Assets["Assets/Voice/streamed.wav"] = new AudioClip { name = "streamed" };
                Selection.Now.AddRange(AssetDatabase.Assets.Values.ToArray());
                var window = ScriptableObject.CreateInstance<BakeWindow>();
                SetField(window, "_face", face);
                for (var time = 0; time < 2; time++)  // the second time it replaces what the first has made
                {
                    Call(window, "OnGUI");
                    Expect.OneError("streamed", "Decompress On Load");
                }
                clip.loadState = AudioDataLoadState.Unloaded;
                clip.LoadsInBackground = true;
                AssetDatabase.Assets.Remove("Assets/Voice/streamed.wav");
                Selection.Now.RemoveAll(selected => selected != clip);
                Call(window, "OnGUI");
                Expect.OneError("voice", "still being loaded");
                clip.LoadsInBackground = false;
                Selection.Now[0] = AssetDatabase.Assets["Packages/com.voices/voice.wav"] = Playing.Clip(arguments);
                Call(window, "OnGUI");
                Expect.OneError("voice", "Packages/com.voices/voice.anim", "copy of the sound in Assets");
                try
                {
                    FaceBaker.BakeToAsset(Playing.Clip(arguments), face, face.transform);
                    Expect.True(false, "what has no file cannot be saved beside it");
                }
                catch (KoeMorphException error)
                {
                    Expect.True(error.Message.Contains("FaceBaker.Bake"), "what to use is said");
                }
                Save((AnimationClip)AssetDatabase.Assets["Assets/Voice/voice.anim"], arguments[4]);
                Inspect(face);
            }
            Expect.True(SharedModel.Count == 0, "no model is left behind");
        }

        // float64 rows: time, 52 weights.
        static void Save(AnimationClip baked, string path)
        {
            var curves = AnimationUtility.Curves[baked];
            Expect.True(curves.Count == 52, "52 curves, the stranger has none");
            Expect.True(curves.Keys.All(key => key.StartsWith("Mesh:blendShape.blendShape1.")), "curves say whose they are");
            var keys = KoeMorphFace.Names
                .Select(name => curves["Mesh:blendShape." + Stage.ShapeName(name)].keys)
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
            Expect.True(EditorGUILayout.HelpBoxes.Any(box => box == "Not driven: blendShape1.Scar"), "what is not driven is listed");
        }

        static void SetField(object target, string name, object value)
        {
            target.GetType().GetField(name, System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic).SetValue(target, value);
        }

        static void Call(object target, string name)
        {
            target.GetType().GetMethod(name, System.Reflection.BindingFlags.Instance | System.Reflection.BindingFlags.NonPublic).Invoke(target, null);
        }
    }
}
