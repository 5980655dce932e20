using System;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// How voices move faces: every control there is, or a preset file of KoeMorph (JSON) that says them. One
    /// preset serves any number of faces; a change shows at once.
    /// </summary>
    [CreateAssetMenu(fileName = "KoeMorph Preset", menuName = "KoeMorph/Preset")]
    public sealed class KoeMorphPreset : ScriptableObject
    {
        [SerializeField, Tooltip("A preset file (.json), which then says everything. Empty: the controls below do.")]
        TextAsset _file = null;

        // Size is 0 until the library's defaults have been filled in.
        [SerializeField] Controls _controls;

        /// <summary>A preset of the package by its name: natural, expressive, subtle, microphone, background, raw.</summary>
        /// <exception cref="KoeMorphException">There is none of this name.</exception>
        public static KoeMorphPreset Named(string name)
        {
            var preset = CreateInstance<KoeMorphPreset>();
            preset.name = name;
            preset.File = Packaged.Load(Packaged.Presets, name);
            return preset;
        }

        /// <summary>Counts changes, so that faces notice them.</summary>
        internal int Revision { get; private set; }

        /// <summary>The file that says everything, or null.</summary>
        public TextAsset File { get { return _file; } set { _file = value; Revision++; } }

        /// <summary>A copy of what is in force. Setting it takes the place of the file.</summary>
        /// <exception cref="KoeMorphException">The file is no preset.</exception>
        public Controls Controls
        {
            get
            {
                if (_file != null) return Controls.FromPreset(_file.bytes);
                var defaults = Controls.Default();
                return _controls.Size == 0 ? defaults : _controls.Completed(defaults);
            }
            set
            {
                _controls = value;
                File = null;
            }
        }

        [ContextMenu("Copy the File's Controls")]
        void CopyFile() { Controls = Controls; }

        // Unity calls this when the asset is made, loaded or edited in the editor.
        void OnValidate()
        {
            Revision++;
            if (_controls.Size != 0) return;
            try
            {
                _controls = Controls.Default();
            }
            catch (Exception error) when (error is TypeLoadException || error is BadImageFormatException || error is KoeMorphException)
            {
                // No library, or another one. Faces say so; the defaults come when the right one does.
            }
        }
    }
}
