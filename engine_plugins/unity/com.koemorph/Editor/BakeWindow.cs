using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>Bakes the selected AudioClips, and those in selected folders, for a face in the scene.</summary>
    public sealed class BakeWindow : EditorWindow
    {
        [SerializeField] KoeMorphFace _face = null;
        [SerializeField] Animator _root = null;

        // Asset paths of the selected clips. Clips are loaded one by one while baking, not while drawing.
        string[] _paths = new string[0];

        [MenuItem("Window/KoeMorph/Bake Audio")]
        [MenuItem("Assets/KoeMorph/Bake Audio...")]
        static void Open() { GetWindow<BakeWindow>("Bake Audio"); }

        [MenuItem("Assets/KoeMorph/Bake Audio...", true)]
        static bool CanOpen()
        {
            foreach (var guid in Selection.assetGUIDs)
            {
                var path = AssetDatabase.GUIDToAssetPath(guid);
                if (AssetDatabase.IsValidFolder(path) || IsClip(path)) return true;
            }
            return false;
        }

        static bool IsClip(string path) { return AssetDatabase.GetMainAssetTypeAtPath(path) == typeof(AudioClip); }

        /// <summary>Paths of the selected clips and of those in selected folders; loads no asset.</summary>
        static string[] SelectedPaths()
        {
            var paths = new System.Collections.Generic.List<string>();
            foreach (var guid in Selection.assetGUIDs)
            {
                var path = AssetDatabase.GUIDToAssetPath(guid);
                if (IsClip(path)) Add(paths, path);
                if (!AssetDatabase.IsValidFolder(path)) continue;
                foreach (var clip in AssetDatabase.FindAssets("t:AudioClip", new[] { path })) Add(paths, AssetDatabase.GUIDToAssetPath(clip));
            }
            return paths.ToArray();
        }

        static void Add(System.Collections.Generic.List<string> paths, string path) { if (!paths.Contains(path)) paths.Add(path); }

        void OnEnable() { _paths = SelectedPaths(); }

        void OnSelectionChange()
        {
            _paths = SelectedPaths();
            Repaint();
        }

        void OnGUI()
        {
            _face = (KoeMorphFace)EditorGUILayout.ObjectField("Face", _face, typeof(KoeMorphFace), true);
            _root = (Animator)EditorGUILayout.ObjectField("Animator", _root, typeof(Animator), true);
            EditorGUILayout.HelpBox(
                _paths.Length == 0
                    ? "Select audio clips, or a folder with audio clips, in the Project window."
                    : _paths.Length + " clip(s). Each is saved as NAME.anim beside its audio file, for an Animator or Timeline.",
                MessageType.Info);
            using (new EditorGUI.DisabledScope(_paths.Length == 0 || _face == null))
                if (GUILayout.Button("Bake")) Bake(_paths);
        }

        void Bake(string[] paths)
        {
            var root = _root != null ? _root.transform : _face.transform;
            try
            {
                for (var i = 0; i < paths.Length; i++)
                {
                    if (EditorUtility.DisplayCancelableProgressBar("Bake Audio", paths[i], i / (float)paths.Length)) return;
                    var clip = AssetDatabase.LoadAssetAtPath<AudioClip>(paths[i]);
                    if (clip == null) continue;  // deleted since it was selected
                    try
                    {
                        FaceBaker.BakeToAsset(clip, _face, root);
                    }
                    catch (KoeMorphException error)
                    {
                        Debug.LogError("KoeMorph: " + paths[i] + " was not baked. " + error.Message, clip);
                    }
                }
            }
            finally
            {
                EditorUtility.ClearProgressBar();
            }
        }
    }
}
