using System.Collections.Generic;

namespace KoeMorph
{
    /// <summary>Changes in the inspector during play mode restart the face, as the property setters do.</summary>
    public sealed partial class KoeMorphFace
    {
        // Settings at the last Open. Compared by element, because the inspector creates new arrays at every change.
        readonly List<object> _openedState = new List<object>();
        bool _validated;

        // Unity calls this in the editor for every change, including each step of a slider.
        void OnValidate() { _validated = true; }

        void StoreInspectorState()
        {
            _openedState.Clear();
            _openedState.AddRange(InspectorState());
        }

        bool InspectorChanged()
        {
            if (!_validated) return false;
            _validated = false;
            var state = InspectorState();
            if (state.Length != _openedState.Count) return true;
            for (var i = 0; i < state.Length; i++) if (!Equals(state[i], _openedState[i])) return true;
            return false;
        }

        object[] InspectorState()
        {
            var state = new object[6 + _renderers.Length];
            state[0] = _input;
            state[1] = _source;
            state[2] = _modelName;
            state[3] = _model;
            state[4] = _mapName;
            state[5] = _map;
            _renderers.CopyTo(state, 6);
            return state;
        }
    }
}
