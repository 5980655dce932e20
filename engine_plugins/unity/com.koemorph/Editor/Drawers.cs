using System;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>A choice among the models, maps or presets of the package.</summary>
    [CustomPropertyDrawer(typeof(PackagedAttribute))]
    sealed class PackagedDrawer : PropertyDrawer
    {
        string[] _names;

        public override void OnGUI(Rect position, SerializedProperty property, GUIContent label)
        {
            if (_names == null) _names = Packaged.Names(((PackagedAttribute)attribute).Kind);
            EditorGUI.BeginProperty(position, label, property);
            EditorGUI.BeginChangeCheck();
            // Several faces with different ones show a dash, and keep theirs until the user takes one for all.
            var shown = property.hasMultipleDifferentValues ? -1 : Array.IndexOf(_names, property.stringValue);
            var chosen = EditorGUI.Popup(position, label.text, shown, _names);
            if (EditorGUI.EndChangeCheck() && chosen >= 0) property.stringValue = _names[chosen];
            EditorGUI.EndProperty();
        }
    }

    /// <summary>An element of an array with one for each blendshape, by its name.</summary>
    [CustomPropertyDrawer(typeof(PerBlendshapeAttribute))]
    sealed class PerBlendshapeDrawer : PropertyDrawer
    {
        public override void OnGUI(Rect position, SerializedProperty property, GUIContent label)
        {
            var path = property.propertyPath;  // "_controls.Multiplier.Array.data[17]"
            var open = path.LastIndexOf('[');
            var index = int.Parse(path.Substring(open + 1, path.Length - open - 2));
            label.text = Name(index, label.text);
            EditorGUI.PropertyField(position, property, label);
        }

        // The names come from the library; without it, which faces tell of, Unity's "Element 17" does.
        static string Name(int index, string otherwise)
        {
            try
            {
                return index < KoeMorphFace.Names.Length ? KoeMorphFace.Names[index] : otherwise;
            }
            catch (Exception error) when (error is TypeLoadException || error is BadImageFormatException)
            {
                return otherwise;
            }
        }
    }
}
