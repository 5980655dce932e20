using System;
using System.Linq;
using KoeMorph.Editor;
using KoeMorph.Interop;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: models, maps and presets by name; every control there is.</summary>
    static class AssetSelectionTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            TestScene.AddBundledAsset(BundledAssets.Models, arguments[1], "other");
            Models();
            Maps();
            Presets();
            Inspector();
            Expect.True(ModelCache.InUse == 0, "no model is left behind");
        }

        static void Models()
        {
            using (var scene = ErrorTests.CreateSpeaking())
            {
                Expect.True(scene.Face.Info.Fps == 30, "a face that names no model has the one for 30 frames a second");
                scene.Face.ModelName = "other";
                scene.Source.Mix(new float[2048], 2);
                Expect.True(scene.Face.Info.Fps == 60, "the other model runs");
                Expect.True(ModelCache.InUse == 1, "and the first one is gone");
                scene.Face.ModelName = "none";
                Expect.True(scene.AtRest, "with a name that is none the face is at rest");
                Expect.OneError("'none'", "koemorph-30, other");
                scene.Face.ModelName = "";
                scene.Tick();
                Expect.True(scene.Face.Info.Fps == 30 && scene.Face.Error == "", "no name is the default");
            }
        }

        static void Maps()
        {
            using (var scene = new TestScene())
            {
                scene.Renderer.sharedMesh = new Mesh(100, "Viseme_AA", "viseme_O", "Scar");
                scene.AddFace().MapName = "oculus";
                Debug.Console.Clear();  // ARKit's map, which came first, drives nothing here
                Expect.True(scene.Face.MatchedShapes().SequenceEqual(new[] { "Viseme_AA", "viseme_O" }), "another map by its name");
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
                Expect.True(scene.OnMesh()[jaw] == 0, "a preset that lowers the mouth to nothing does");
                Change(preset, (ref Controls controls) => { controls.Offset[jaw] = 0.5f; });
                ErrorTests.Speak(scene);
                Expect.True(Math.Abs(scene.OnMesh()[jaw] - 0.5f) < 1e-3, "one blendshape's offset shows");
                Change(preset, (ref Controls controls) => { controls.Offset = new float[3]; });
                Expect.True(preset.Controls.Offset.Length == 52, "an array that was cut in the inspector is whole again");

                var natural = KoeMorphPreset.LoadBundled("natural");
                Expect.True(natural.Controls.Saccades == 1 && natural.File != null, "a preset by its name");
                natural.Controls = natural.Controls;
                Expect.True(natural.Controls.Saccades == 1 && natural.File == null, "its file's controls become its own");
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 7; });
                scene.Face.Preset = natural;
                scene.Tick();
                Expect.OneError("lip_close_offset");
                ErrorTests.Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error != "", "with a control outside its range the face goes on as it was");
                Expect.NoMessages();
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 0; });
                ErrorTests.Speak(scene);
                Expect.True(!scene.AtRest && scene.Face.Error == "", "and the problem ends with the control that was wrong");
            }
            try
            {
                KoeMorphPreset.LoadBundled("none");
                Expect.True(false, "there is no preset of this name");
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
            Expect.True(EditorGUI.PopupOptions.SequenceEqual(new[] { "koemorph-30", "other" }), "the inspector offers the models");
            Expect.True(property.stringValue == "other", "and takes the choice");
            property.stringValue = "koemorph-30";
            property.hasMultipleDifferentValues = true;
            EditorGUI.SelectsLast = false;
            Draw("BundledAssetDrawer", new BundledAssetAttribute(BundledAssets.Models), property);
            Expect.True(property.stringValue == "koemorph-30", "a look at several faces changes none");
            property.propertyPath = "_controls.Multiplier.Array.data[17]";
            Draw("PerBlendshapeDrawer", new PerBlendshapeAttribute(), property);
            Expect.True(EditorGUI.Labels.Single() == "jawOpen", "elements have the names of their blendshapes");
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
