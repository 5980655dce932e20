using System;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>A popup with the bundled models, maps or presets.</summary>
    [CustomPropertyDrawer(typeof(BundledAssetAttribute))]
    sealed class BundledAssetDrawer : PropertyDrawer
    {
        string[] _names;

        public override void OnGUI(Rect position, SerializedProperty property, GUIContent label)
        {
            if (_names == null) _names = BundledAssets.Names(((BundledAssetAttribute)attribute).Kind);
            EditorGUI.BeginProperty(position, label, property);
            EditorGUI.BeginChangeCheck();
            // Several objects with different values display a dash and keep their values until the user selects one.
            var current = property.hasMultipleDifferentValues ? -1 : Array.IndexOf(_names, property.stringValue);
            var chosen = EditorGUI.Popup(position, label.text, current, _names);
            if (EditorGUI.EndChangeCheck() && chosen >= 0) property.stringValue = _names[chosen];
            EditorGUI.EndProperty();
        }
    }

    /// <summary>Labels an element of an array with its blend shape.</summary>
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

        // The names come from the native library; without it, which faces report, the label stays "Element 17".
        static string Name(int index, string fallback)
        {
            try
            {
                return index < KoeMorphFace.Names.Length ? KoeMorphFace.Names[index] : fallback;
            }
            catch (Exception error) when (ModelCache.IsLibraryError(error))
            {
                return fallback;
            }
        }
    }
}
