using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// How voices move faces: a preset file of KoeMorph (JSON) with what matters most within reach. One
    /// preset serves any number of faces; a change shows at once.
    /// </summary>
    [CreateAssetMenu(fileName = "KoeMorph Preset", menuName = "KoeMorph/Preset")]
    public sealed class KoeMorphPreset : ScriptableObject
    {
        [SerializeField, Tooltip("A preset file (.json). Empty: KoeMorph's defaults.")]
        TextAsset _file = null;

        [SerializeField, Range(0, 2), Tooltip("Eyes and brows, times what the file says.")]
        float _upperStrength = 1;

        [SerializeField, Range(0, 2), Tooltip("Mouth and cheeks, times what the file says.")]
        float _lowerStrength = 1;

        [SerializeField, Range(0, 2), Tooltip("Blinks, times what the file says.")]
        float _blink = 1;

        /// <summary>Counts changes, so that faces notice them.</summary>
        internal int Revision { get; private set; }

        public TextAsset File { get { return _file; } set { _file = value; Revision++; } }
        public float UpperStrength { get { return _upperStrength; } set { _upperStrength = value; Revision++; } }
        public float LowerStrength { get { return _lowerStrength; } set { _lowerStrength = value; Revision++; } }
        public float Blink { get { return _blink; } set { _blink = value; Revision++; } }

        void OnValidate() { Revision++; }

        /// <exception cref="KoeMorphException">The file is no preset.</exception>
        internal Controls ToControls()
        {
            var controls = _file == null ? Controls.Default() : Controls.FromPreset(_file.bytes);
            controls.UpperStrength *= _upperStrength;
            controls.LowerStrength *= _lowerStrength;
            controls.Blink *= _blink;
            return controls;
        }
    }
}
