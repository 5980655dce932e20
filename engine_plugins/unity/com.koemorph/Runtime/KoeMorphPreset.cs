using System;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Controls of the animation: set in this asset, or read from a preset file (JSON). Any number of faces can use one
    /// preset. Changes apply immediately, with a transition.
    /// </summary>
    [CreateAssetMenu(fileName = "KoeMorph Preset", menuName = "KoeMorph/Preset")]
    public sealed class KoeMorphPreset : ScriptableObject
    {
        [SerializeField, Tooltip("A preset file (.json), used instead of the controls below.")]
        TextAsset _file = null;

        // Size is 0 until the library's defaults are filled in.
        [SerializeField] Controls _controls;

        /// <summary>Loads a bundled preset by name: natural, expressive, subtle, microphone, background, raw.</summary>
        /// <exception cref="KoeMorphException">There is no preset of this name.</exception>
        public static KoeMorphPreset LoadBundled(string name)
        {
            var preset = CreateInstance<KoeMorphPreset>();
            preset.name = name;
            preset.File = BundledAssets.Load(BundledAssets.Presets, name);
            return preset;
        }

        /// <summary>Number of changes; faces compare it to detect them.</summary>
        internal int Revision { get; private set; }

        /// <summary>The preset file used instead of the controls, or null.</summary>
        public TextAsset File { get { return _file; } set { _file = value; Revision++; } }

        /// <summary>A copy of the effective controls. Setting it removes the file.</summary>
        /// <exception cref="KoeMorphException">The file is not a valid preset.</exception>
        public Controls Controls
        {
            get
            {
                if (_file != null) return Controls.FromPreset(_file.bytes);
                var defaults = Controls.Default();
                return _controls.Size == 0 ? defaults : _controls.WithCompleteArrays(defaults);
            }
            set
            {
                _controls = value;
                File = null;
            }
        }

        [ContextMenu("Copy the File's Controls")]
        void CopyFile() { Controls = Controls; }

        // Unity calls this when the asset is created, loaded or edited in the editor.
        void OnValidate()
        {
            Revision++;
            if (_controls.Size != 0) return;
            try
            {
                _controls = Controls.Default();
            }
            catch (Exception error) when (ModelCache.IsLibraryError(error) || error is KoeMorphException)
            {
                // The library is missing or incompatible, which faces report. The defaults are filled in later.
            }
        }
    }
}
