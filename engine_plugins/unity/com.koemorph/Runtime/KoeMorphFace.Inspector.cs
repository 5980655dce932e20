using System.Collections.Generic;

namespace KoeMorph
{
    /// <summary>What the inspector changes in play mode: as through the properties, the face starts anew.</summary>
    public sealed partial class KoeMorphFace
    {
        // What the face was opened with; the inspector makes new arrays at every change, so it is compared by element.
        readonly List<object> _opened = new List<object>();
        bool _validated;

        // Unity calls this in the editor, whatever was changed, a slider's every step among it.
        void OnValidate() { _validated = true; }

        void RememberInspector()
        {
            _opened.Clear();
            _opened.AddRange(Wiring());
        }

        bool InspectorChanged()
        {
            if (!_validated) return false;
            _validated = false;
            var wiring = Wiring();
            if (wiring.Length != _opened.Count) return true;
            for (var i = 0; i < wiring.Length; i++) if (!Equals(wiring[i], _opened[i])) return true;
            return false;
        }

        object[] Wiring()
        {
            var wiring = new object[6 + _renderers.Length];
            wiring[0] = _input;
            wiring[1] = _source;
            wiring[2] = _modelName;
            wiring[3] = _model;
            wiring[4] = _mapName;
            wiring[5] = _map;
            _renderers.CopyTo(wiring, 6);
            return wiring;
        }
    }
}
