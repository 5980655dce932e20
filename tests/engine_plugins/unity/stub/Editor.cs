// Stub of UnityEditor and of Unity's immediate-mode GUI: the members that com.koemorph uses. The GUI draws nothing;
// baked curves can be inspected.
using System;
using System.Collections.Generic;
using System.IO;
using UnityEngine;
using Object = UnityEngine.Object;

namespace UnityEngine
{
    public struct Color
    {
        public float r, g, b, a;
        public Color(float r, float g, float b) { this.r = r; this.g = g; this.b = b; a = 1; }
        public static Color red { get { return new Color(1, 0, 0); } }
        public static Color green { get { return new Color(0, 1, 0); } }
        public static Color cyan { get { return new Color(0, 1, 1); } }
        public static Color yellow { get { return new Color(1, 0.92f, 0.016f); } }
        public static Color magenta { get { return new Color(1, 0, 1); } }
        public static Color white { get { return new Color(1, 1, 1); } }
    }

    public struct Vector3
    {
        public float x, y, z;
        public Vector3(float x, float y, float z) { this.x = x; this.y = y; this.z = z; }
    }

    public struct Rect
    {
        public float x { get; set; }
        public float y { get; set; }
        public float width { get; set; }
        public float height { get; set; }
        public float yMax { get { return y + height; } }

        public Rect(float x, float y, float width, float height) : this()
        {
            this.x = x;
            this.y = y;
            this.width = width;
            this.height = height;
        }
    }

    public enum EventType { MouseDown = 0, Repaint = 7, Layout = 8 }

    public sealed class Event
    {
        static readonly Event Now = new Event();
        public static Event current { get { return Now; } }
        public EventType type { get { return EventType.Repaint; } }
    }

    public class GUIContent
    {
        public string text { get; set; }
        public GUIContent(string text) { this.text = text; }
    }

    public class GUIStyleState
    {
        public Color textColor { get; set; }
    }

    public class GUIStyle
    {
        readonly GUIStyleState _normal = new GUIStyleState();
        public GUIStyle() { }
        public GUIStyle(GUIStyle other) { }
        public GUIStyleState normal { get { return _normal; } }
    }

    public class GUILayoutOption { }

    public static class GUILayout
    {
        public static bool Button(string text, params GUILayoutOption[] options) { return true; }
    }

    public static class GUILayoutUtility
    {
        public static Rect GetRect(float width, float height) { return new Rect(0, 0, width, height); }
    }

    public sealed class Animator : Behaviour { }
}

namespace UnityEditor
{
    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomEditor : Attribute
    {
        public CustomEditor(Type inspectedType) { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CustomPropertyDrawer : Attribute
    {
        public CustomPropertyDrawer(Type type) { }
    }

    public class SerializedProperty
    {
        public string propertyPath { get; set; }
        public string stringValue { get; set; }
        public bool hasMultipleDifferentValues { get; set; }
    }

    public abstract class PropertyDrawer
    {
        public PropertyAttribute attribute { get; set; }
        public virtual void OnGUI(Rect position, SerializedProperty property, GUIContent label) { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CanEditMultipleObjects : Attribute { }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class MenuItem : Attribute
    {
        public MenuItem(string itemName) { }
        public MenuItem(string itemName, bool isValidateFunction) { }
    }

    public class Editor : ScriptableObject
    {
        public Object target { get { return targets[0]; } }
        public Object[] targets { get; set; }
        public virtual void OnInspectorGUI() { }
        public virtual bool RequiresConstantRepaint() { return false; }
        public bool DrawDefaultInspector() { return false; }
    }

    public class EditorWindow : ScriptableObject
    {
        public static T GetWindow<T>(string title) where T : EditorWindow, new() { return CreateInstance<T>(); }
        public void Repaint() { }
    }

    public enum MessageType { None, Info, Warning, Error }

    public static class EditorStyles
    {
        public static GUIStyle miniLabel { get { return new GUIStyle(); } }
    }

    public static class EditorGUI
    {
        public class DisabledScope : IDisposable
        {
            public DisabledScope(bool disabled) { }
            public void Dispose() { }
        }

        /// <summary>Stub only: the popup options and labels drawn.</summary>
        public static readonly List<string> PopupOptions = new List<string>(), Labels = new List<string>();

        /// <summary>Stub only: whether the user selects the last option.</summary>
        public static bool SelectsLast = true;

        public static int Popup(Rect position, string label, int selectedIndex, string[] displayedOptions)
        {
            PopupOptions.AddRange(displayedOptions);
            return SelectsLast ? displayedOptions.Length - 1 : selectedIndex;
        }

        public static GUIContent BeginProperty(Rect totalPosition, GUIContent label, SerializedProperty property) { return label; }
        public static void EndProperty() { }
        public static void BeginChangeCheck() { }
        public static bool EndChangeCheck() { return SelectsLast; }

        public static bool PropertyField(Rect position, SerializedProperty property, GUIContent label)
        {
            Labels.Add(label.text);
            return false;
        }

        public static void DrawRect(Rect rect, Color color) { }
        public static void LabelField(Rect position, string label, GUIStyle style) { }
        public static void ProgressBar(Rect position, float value, string text) { }
    }

    public static class EditorGUILayout
    {
        /// <summary>Stub only: the help boxes drawn.</summary>
        public static readonly List<string> HelpBoxes = new List<string>();

        public static void Space() { }
        public static void HelpBox(string message, MessageType type) { HelpBoxes.Add(message); }
        public static void LabelField(string label, string label2, params GUILayoutOption[] options) { }
        public static bool Foldout(bool foldout, string content) { return true; }
        public static Object ObjectField(string label, Object obj, Type objType, bool allowSceneObjects, params GUILayoutOption[] options)
        {
            return obj;
        }
    }

    public static class Handles
    {
        public static Color color { get; set; }
        public static void DrawAAPolyLine(float width, params Vector3[] points) { }
    }

    public static class Selection
    {
        /// <summary>Stub only: asset paths of the selection; a path is its own GUID.</summary>
        public static readonly List<string> Paths = new List<string>();

        public static string[] assetGUIDs { get { return Paths.ToArray(); } }
    }

    public static class AssetDatabase
    {
        /// <summary>Stub only: assets by path.</summary>
        public static readonly Dictionary<string, Object> Assets = new Dictionary<string, Object>();

        /// <summary>Stub only: number of loaded assets.</summary>
        public static int Loads;

        public static string GUIDToAssetPath(string guid) { return guid; }
        public static bool IsValidFolder(string path) { return !Assets.ContainsKey(path); }

        public static Type GetMainAssetTypeAtPath(string assetPath)
        {
            Object found;
            return Assets.TryGetValue(assetPath, out found) ? found.GetType() : null;
        }

        public static string[] FindAssets(string filter, string[] searchInFolders)
        {
            var found = new List<string>();
            foreach (var entry in Assets)
                foreach (var folder in searchInFolders)
                    if (entry.Key.StartsWith(folder + "/") && filter == "t:" + entry.Value.GetType().Name) found.Add(entry.Key);
            return found.ToArray();
        }

        public static string GetAssetPath(Object asset)
        {
            foreach (var entry in Assets) if (ReferenceEquals(entry.Value, asset)) return entry.Key;
            return "";
        }

        public static T LoadAssetAtPath<T>(string path) where T : Object
        {
            Loads++;
            Object found;
            return Assets.TryGetValue(path, out found) ? found as T : null;
        }

        public static void CreateAsset(Object asset, string path)
        {
            if (path.StartsWith("Packages/")) throw new UnityException("Creating asset at path " + path + " failed.");
            Assets.Add(path, asset);
        }

        public static void SaveAssets() { }
    }

    public static class EditorUtility
    {
        public static bool DisplayCancelableProgressBar(string title, string info, float progress) { return false; }
        public static void ClearProgressBar() { }

        public static void CopySerialized(Object source, Object dest)
        {
            AnimationUtility.Curves[(AnimationClip)dest] = AnimationUtility.Curves[(AnimationClip)source];
        }
    }

    public struct EditorCurveBinding
    {
        public string path;
        public string propertyName;

        public static EditorCurveBinding FloatCurve(string inPath, Type inType, string inPropertyName)
        {
            return new EditorCurveBinding { path = inPath, propertyName = inPropertyName };
        }
    }

    public static class AnimationUtility
    {
        public enum TangentMode { Free, Auto, Linear, Constant, ClampedAuto }

        /// <summary>Stub only: curves of each clip by "path:property".</summary>
        public static readonly Dictionary<AnimationClip, Dictionary<string, AnimationCurve>> Curves =
            new Dictionary<AnimationClip, Dictionary<string, AnimationCurve>>();

        public static void SetEditorCurve(AnimationClip clip, EditorCurveBinding binding, AnimationCurve curve)
        {
            Dictionary<string, AnimationCurve> curves;
            if (!Curves.TryGetValue(clip, out curves)) Curves[clip] = curves = new Dictionary<string, AnimationCurve>();
            curves[binding.path + ":" + binding.propertyName] = curve;
        }

        public static void SetKeyLeftTangentMode(AnimationCurve curve, int index, TangentMode mode) { }
        public static void SetKeyRightTangentMode(AnimationCurve curve, int index, TangentMode mode) { }

        public static string CalculateTransformPath(Transform target, Transform root)
        {
            if (target == root) return "";
            var above = CalculateTransformPath(target.parent, root);
            return above.Length > 0 ? above + "/" + target.gameObject.name : target.gameObject.name;
        }
    }
}
