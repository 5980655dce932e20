using System;
using System.Linq;
using KoeMorph.Editor;
using KoeMorph.Interop;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>MODEL OTHER: models, maps and presets by name; every control there is.</summary>
    static class Choosing
    {
        public static void Run(string[] arguments)
        {
            Stage.UseModel(arguments[0]);
            Stage.Package(Packaged.Models, arguments[1], "other");
            Models();
            Maps();
            Presets();
            Inspector();
            Expect.True(SharedModel.Count == 0, "no model is left behind");
        }

        static void Models()
        {
            using (var stage = Broken.Talking())
            {
                Expect.True(stage.Face.Info.Fps == 30, "a face that names no model has the one for 30 frames a second");
                stage.Face.ModelName = "other";
                stage.Source.Mix(new float[2048], 2);
                Expect.True(stage.Face.Info.Fps == 60, "the other model runs");
                Expect.True(SharedModel.Count == 1, "and the first one is gone");
                stage.Face.ModelName = "none";
                Expect.True(stage.AtRest, "with a name that is none the face is at rest");
                Expect.OneError("'none'", "koemorph-30, other");
                stage.Face.ModelName = "";
                stage.Tick();
                Expect.True(stage.Face.Info.Fps == 30 && stage.Face.Problem == "", "no name is the default");
            }
        }

        static void Maps()
        {
            using (var stage = new Stage())
            {
                stage.Renderer.sharedMesh = new Mesh(100, "Viseme_AA", "viseme_O", "Scar");
                stage.AddFace().MapName = "oculus";
                Debug.Console.Clear();  // ARKit's map, which came first, drives nothing here
                Expect.True(stage.Face.MatchedShapes().SequenceEqual(new[] { "Viseme_AA", "viseme_O" }), "another map by its name");
                stage.Face.MapName = "none";
                Expect.OneError("'none'", "arkit", "vrm1");
            }
        }

        static void Presets()
        {
            var jaw = Array.IndexOf(KoeMorphFace.Names, "jawOpen");
            using (var stage = Broken.Talking())
            {
                var preset = ScriptableObject.CreateInstance<KoeMorphPreset>();
                Expect.True(preset.Controls.LowerStrength == 1 && preset.Controls.Multiplier.All(m => m == 1), "a new preset has the defaults");
                stage.Face.Preset = preset;
                Change(preset, (ref Controls controls) => { controls.LowerStrength = 0; controls.Blink = 0; });
                Broken.Talk(stage);
                Expect.True(stage.OnMesh()[jaw] == 0, "a preset that lowers the mouth to nothing does");
                Change(preset, (ref Controls controls) => { controls.Offset[jaw] = 0.5f; });
                Broken.Talk(stage);
                Expect.True(Math.Abs(stage.OnMesh()[jaw] - 0.5f) < 1e-3, "one blendshape's offset shows");
                Change(preset, (ref Controls controls) => { controls.Offset = new float[3]; });
                Expect.True(preset.Controls.Offset.Length == 52, "an array that was cut in the inspector is whole again");

                var natural = KoeMorphPreset.Named("natural");
                Expect.True(natural.Controls.Saccades == 1 && natural.File != null, "a preset by its name");
                natural.Controls = natural.Controls;
                Expect.True(natural.Controls.Saccades == 1 && natural.File == null, "its file's controls become its own");
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 7; });
                stage.Face.Preset = natural;
                stage.Tick();
                Expect.OneError("lip_close_offset");
                Broken.Talk(stage);
                Expect.True(!stage.AtRest && stage.Face.Problem != "", "with a control outside its range the face goes on as it was");
                Expect.NoComplaint();
                Change(natural, (ref Controls controls) => { controls.LipCloseOffset = 0; });
                Broken.Talk(stage);
                Expect.True(!stage.AtRest && stage.Face.Problem == "", "and the problem ends with the control that was wrong");
            }
            try
            {
                KoeMorphPreset.Named("none");
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
            Draw("PackagedDrawer", new PackagedAttribute(Packaged.Models), property);
            Expect.True(EditorGUI.Choices.SequenceEqual(new[] { "koemorph-30", "other" }), "the inspector offers the models");
            Expect.True(property.stringValue == "other", "and takes the choice");
            property.stringValue = "koemorph-30";
            property.hasMultipleDifferentValues = true;
            EditorGUI.Chooses = false;
            Draw("PackagedDrawer", new PackagedAttribute(Packaged.Models), property);
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
