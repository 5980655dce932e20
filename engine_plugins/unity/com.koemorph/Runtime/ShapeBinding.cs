using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>What a retarget map drives on one renderer.</summary>
    sealed class ShapeBinding : IDisposable
    {
        readonly SkinnedMeshRenderer _renderer;
        readonly Mesh _mesh;
        readonly RetargetHandle _map;
        readonly float[] _weights;
        // The shapes that the map drives, and the weight at which each is fully there (100 on most meshes).
        readonly int[] _driven;
        readonly float[] _full;

        /// <exception cref="KoeMorphException">The map is no retarget map.</exception>
        public ShapeBinding(SkinnedMeshRenderer renderer, TextAsset map)
        {
            _renderer = renderer;
            _mesh = renderer.sharedMesh;
            var names = new string[_mesh == null ? 0 : _mesh.blendShapeCount];
            for (var i = 0; i < names.Length; i++) names[i] = _mesh.GetBlendShapeName(i);
            _map = RetargetHandle.Load(map.bytes, names);
            _weights = new float[names.Length];
            _driven = Array.FindAll(Range(names.Length), _map.IsDriven);
            _full = Array.ConvertAll(_driven, shape => _mesh.GetBlendShapeFrameWeight(shape, _mesh.GetBlendShapeFrameCount(shape) - 1));
        }

        /// <summary>False once the renderer is gone or shows another mesh: bind again.</summary>
        public bool Fits { get { return _renderer != null && _renderer.sharedMesh == _mesh; } }

        /// <summary>Number of shapes that are driven.</summary>
        public int Count { get { return _driven.Length; } }

        /// <summary>Name of the n-th of them.</summary>
        public string Name(int n) { return _mesh.GetBlendShapeName(_driven[n]); }

        /// <summary>Names of the shapes that no one drives.</summary>
        public IEnumerable<string> Idle()
        {
            for (var shape = 0; shape < _weights.Length; shape++)
                if (Array.IndexOf(_driven, shape) < 0) yield return _mesh.GetBlendShapeName(shape);
        }

        /// <summary>Turns 52 blendshapes into weights; read them by <see cref="Weight"/>.</summary>
        public void Retarget(float[] blendshapes) { _map.Apply(blendshapes, _weights); }

        /// <summary>What the renderer wants for the n-th shape: 0 to 100 on most meshes.</summary>
        public float Weight(int n) { return _weights[_driven[n]] * _full[n]; }

        /// <summary>Shows 52 blendshapes on the renderer.</summary>
        public void Apply(float[] blendshapes)
        {
            Retarget(blendshapes);
            for (var n = 0; n < _driven.Length; n++) _renderer.SetBlendShapeWeight(_driven[n], Weight(n));
        }

        public void Dispose() { _map.Dispose(); }

        static int[] Range(int count)
        {
            var range = new int[count];
            for (var i = 0; i < count; i++) range[i] = i;
            return range;
        }
    }
}
