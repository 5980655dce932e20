using System;
using System.Linq;
using KoeMorph.Editor;
using KoeMorph.Interop;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: models, maps and presets by name, and all controls.</summary>
    static class AssetSelectionTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            TestScene.AddBundledAsset(BundledAssets.Models, arguments[1], "other");
            Models();
            ModelsStayLoaded();
            PreloadedModels();
            EqualSettings();
            Maps();
            Presets();
            Inspector();
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
        }

        static void Models()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                Expect.True(scene.Face.Info.Fps == 30, "the default model runs at 30 fps");
                scene.Face.ModelName = "other";
                scene.Source.Mix(new float[2048], 2);
                Expect.True(scene.Face.Info.Fps == 60, "the other model is used");
                Expect.True(ModelCache.InUse == 1, "the first model is released");
                scene.Face.ModelName = "none";
                Expect.True(scene.AtRest, "with an unknown model the face is neutral");
                Expect.OneError("'none'", "koemorph-30, other");
                scene.Face.ModelName = "";
                scene.Tick();
                Expect.True(scene.Face.Info.Fps == 30 && scene.Face.Error == "", "an empty name is the default");
            }
        }

        // Loading a model takes much longer than opening a stream.
        static void ModelsStayLoaded()
        {
            var names = new[] { "koemorph-30", "other", "third" };
            Resources.Content["KoeMorph/models/third"] = new TextAsset(BundledAssets.Load(BundledAssets.Models, "other").bytes) { name = "third" };
            KoeMorphModels.UnloadUnused();
            Expect.True(ModelCache.Count == 0, "UnloadUnused frees all models without a face");
            Interop.ModelHandle first = null;
            foreach (var name in names)
            {
                var asset = ModelCache.Resolve(null, name);
                first = ModelCache.Acquire(asset);
                ModelCache.Release(asset);
                Expect.True(ReferenceEquals(ModelCache.Acquire(asset), first), "a released model stays loaded");
                ModelCache.Release(asset);
            }
            Expect.True(ModelCache.Count == ModelCache.MaxUnused, "the number of unused models is limited");
            Resources.Content.Remove("KoeMorph/models/third");
            const System.Reflection.BindingFlags hidden = System.Reflection.BindingFlags.Static | System.Reflection.BindingFlags.NonPublic;
            typeof(ModelCache).GetMethod("Clear", hidden).Invoke(null, null);  // as Unity does when play mode starts
            Expect.True(ModelCache.Count == 0, "entering play mode frees all models");
            ModelCache.Acquire(ModelCache.Resolve(null, "other"));
            ModelCache.Release(ModelCache.Resolve(null, "other"));
            Application.RaiseLowMemory();
            Expect.True(ModelCache.Count == 0, "low memory frees unused models");
        }

        static void PreloadedModels()
        {
            var task = KoeMorphModels.PreloadAsync("other");
            Expect.True(ReferenceEquals(KoeMorphModels.PreloadAsync("other"), task), "a model is loaded once");
            var asset = ModelCache.Resolve(null, "other");
            var model = ModelCache.Acquire(asset);
            Expect.True(task.IsCompleted && !model.IsInvalid && ModelCache.Count == 1, "a face uses the preloaded model");
            ModelCache.Release(asset);
            var invalid = new TextAsset(new byte[] { 1, 2, 3 });
            var failing = KoeMorphModels.PreloadAsync(invalid);
            try
            {
                ModelCache.Acquire(invalid);
                Expect.True(false, "an invalid model throws");
            }
            catch (KoeMorphException)
            {
                Expect.True(failing.IsFaulted && ModelCache.InUse == 0, "a failed preload is reported by the task and by the face");
            }
            KoeMorphModels.UnloadUnused();
        }

        static void EqualSettings()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var face = scene.Face;
                var pushed = face.Info.PushedSamples;
                face.Input = face.Input;
                face.Source = face.Source;
                face.ModelName = new string(face.ModelName.ToCharArray());
                face.Model = face.Model;
                face.MapName = face.MapName;
                face.Map = face.Map;
                face.Renderers = (SkinnedMeshRenderer[])face.Renderers.Clone();
                Expect.True(face.Info.PushedSamples == pushed && pushed > 0, "setting equal values does not restart the stream");
                face.MapName = "vrm1";
                Expect.True(face.Info.PushedSamples == 0, "setting another value does");
                Debug.Console.Clear();
            }
        }

        static void Maps()
        {
            using (var scene = new TestScene())
            {
                scene.Renderer.sharedMesh = new Mesh(100, "Viseme_AA", "viseme_O", "Scar");
                scene.AddFace().MapName = "oculus";
                Debug.Console.Clear();  // the default map matches nothing
                Expect.True(scene.Face.MatchedShapes().SequenceEqual(new[] { "Viseme_AA", "viseme_O" }), "a map by name");
                scene.Face.MapName = "none";
                Expect.OneError("'none'", "arkit", "vrm1");
            }
        }

        static void Presets()
        {
            var jaw = Array.IndexOf(KoeMorphFace.Names, "jawOpen");
            using (var scene = ErrorTests.CreateSpeaking())
            {
                var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
                Expect.True(preset.Controls.LowerStrength == 1 && preset.Controls.Multiplier.All(m => m == 1), "a new preset has the defaults");
                scene.Face.Preset = preset;
                Change(preset, (ref Controls controls) => { controls.LowerStrength = 0; controls.Blink = 0; });
                ErrorTests.Speak(scene);
                Expect.True(scene.OnMesh()[jaw] == 0, "a lower strength of 0 closes the mouth");
                Change(preset, (ref Controls controls) => { controls.Offset[jaw] = 0.5f; });
                ErrorTests.Speak(scene);
                Expect.True(Math.Abs(scene.OnMesh()[jaw] - 0.5f) < 1e-3, "the offset of one blend shape applies");
                Change(preset, (ref Controls controls) => { controls.Offset = new float[3]; });
                Expect.True(preset.Controls.Offset.Length == 52, "an array of the wrong length is replaced");

                var natural = KoeMorphPreset.LoadBundled("natural");
                Expect.True(natural.Controls.Saccades == 1.5f && natural.File != null, "a bundled preset by name");
                natural.Controls = natural.Controls;
                Expect.True(natural.Controls.Saccades == 1.5f && natural.File == null, "the controls of the file are copied");
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 7; });
                scene.Face.Preset = natural;
                scene.Tick();
                Expect.OneError("lip_close_offset");
                ErrorTests.Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error != "", "a control out of range keeps the previous controls");
                Expect.NoMessages();
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 0; });
                ErrorTests.Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error == "", "a valid control clears the error");
            }
            try
            {
                KoeMorphPreset.LoadBundled("none");
                Expect.True(false, "an unknown preset throws");
            }
            catch (KoeMorphException error)
            {
                Expect.True(error.Message.Contains("natural"), "the message lists the presets");
            }
        }

        delegate void Edit(ref Controls controls);

        static void Change(KoeMorphPreset preset, Edit edit)
        {
            var controls = preset.Controls;
            edit(ref controls);
            preset.Controls = controls;
        }

        static void Inspector()
        {
            var property = new SerializedProperty { stringValue = "koemorph-30" };
            Draw("BundledAssetDrawer", new BundledAssetAttribute(BundledAssets.Models), property);
            Expect.True(EditorGUI.PopupOptions.SequenceEqual(new[] { "koemorph-30", "other" }), "the popup lists the models");
            Expect.True(property.stringValue == "other", "the popup sets the value");
            property.stringValue = "koemorph-30";
            property.hasMultipleDifferentValues = true;
            EditorGUI.SelectsLast = false;
            Draw("BundledAssetDrawer", new BundledAssetAttribute(BundledAssets.Models), property);
            Expect.True(property.stringValue == "koemorph-30", "displaying several faces changes none");
            property.propertyPath = "_controls.Multiplier.Array.data[17]";
            Draw("PerBlendshapeDrawer", new PerBlendshapeAttribute(), property);
            Expect.True(EditorGUI.Labels.Single() == "jawOpen", "array elements are labeled with blend shape names");
        }

        public static void Draw(string drawer, PropertyAttribute attribute, SerializedProperty property)
        {
            var type = typeof(FaceBaker).Assembly.GetType("KoeMorph.Editor." + drawer);
            var made = (PropertyDrawer)Activator.CreateInstance(type);
            made.attribute = attribute;
            made.OnGUI(new Rect(), property, new GUIContent("Element"));
        }
    }
}
