using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>Bakes one AudioClip, or all selected ones, for a head in the scene.</summary>
    public sealed class BakeWindow : EditorWindow
    {
        [SerializeField] KoeMorphFace _face = null;
        [SerializeField] Animator _root = null;

        [MenuItem("Window/KoeMorph/Bake Audio")]
        [MenuItem("Assets/KoeMorph/Bake Audio...")]
        static void Open() { GetWindow<BakeWindow>("Bake Audio"); }

        [MenuItem("Assets/KoeMorph/Bake Audio...", true)]
        static bool CanOpen() { return Selected().Length > 0; }

        static AudioClip[] Selected() { return Selection.GetFiltered<AudioClip>(SelectionMode.DeepAssets); }

        void OnSelectionChange() { Repaint(); }

        void OnGUI()
        {
            _face = (KoeMorphFace)EditorGUILayout.ObjectField("Face", _face, typeof(KoeMorphFace), true);
            _root = (Animator)EditorGUILayout.ObjectField("Animator", _root, typeof(Animator), true);
            var clips = Selected();
            EditorGUILayout.HelpBox(
                clips.Length == 0
                    ? "Select audio clips, or a folder of them, in the Project window."
                    : clips.Length + " clip(s). Each becomes NAME.anim beside its audio file, ready for an Animator or Timeline.",
                MessageType.Info);
            using (new EditorGUI.DisabledScope(clips.Length == 0 || _face == null))
                if (GUILayout.Button("Bake")) Bake(clips);
        }

        void Bake(AudioClip[] clips)
        {
            var root = _root != null ? _root.transform : _face.transform;
            try
            {
                for (var i = 0; i < clips.Length; i++)
                {
                    if (EditorUtility.DisplayCancelableProgressBar("Bake Audio", clips[i].name, i / (float)clips.Length)) return;
                    try
                    {
                        FaceBaker.BakeToAsset(clips[i], _face, root);
                    }
                    catch (KoeMorphException error)
                    {
                        Debug.LogError("KoeMorph: " + clips[i].name + " was not baked. " + error.Message, clips[i]);
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
