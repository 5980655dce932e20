using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>The blend shapes of one renderer that a retarget map drives.</summary>
    sealed class ShapeBinding : IDisposable
    {
        readonly SkinnedMeshRenderer _renderer;
        readonly Mesh _mesh;
        readonly RetargetMapHandle _map;
        readonly float[] _weights;
        // Driven shapes, the weight of each at its last frame (100 for most meshes), and its weight before the binding.
        readonly int[] _driven;
        readonly float[] _fullWeights, _authoredWeights;

        /// <exception cref="KoeMorphException">The map is not a retarget map.</exception>
        public ShapeBinding(SkinnedMeshRenderer renderer, TextAsset map)
        {
            _renderer = renderer;
            _mesh = renderer.sharedMesh;
            var names = new string[_mesh == null ? 0 : _mesh.blendShapeCount];
            for (var i = 0; i < names.Length; i++) names[i] = _mesh.GetBlendShapeName(i);
            _map = RetargetMapHandle.Load(map.bytes, names);
            _weights = new float[names.Length];
            _driven = Array.FindAll(Range(names.Length), _map.IsDriven);
            _fullWeights = Array.ConvertAll(_driven, shape => _mesh.GetBlendShapeFrameWeight(shape, _mesh.GetBlendShapeFrameCount(shape) - 1));
            _authoredWeights = Array.ConvertAll(_driven, shape => _renderer.GetBlendShapeWeight(shape));
        }

        /// <summary>False if the renderer was destroyed or has another mesh: bind again.</summary>
        public bool IsValid { get { return _renderer != null && _renderer.sharedMesh == _mesh; } }

        /// <summary>Number of driven shapes.</summary>
        public int Count { get { return _driven.Length; } }

        /// <summary>Name of the n-th driven shape.</summary>
        public string Name(int n) { return _mesh.GetBlendShapeName(_driven[n]); }

        /// <summary>Names of the shapes that the map does not drive.</summary>
        public IEnumerable<string> UnmatchedNames()
        {
            for (var shape = 0; shape < _weights.Length; shape++)
                if (Array.IndexOf(_driven, shape) < 0) yield return _mesh.GetBlendShapeName(shape);
        }

        /// <summary>Retargets 52 weights; read the result with <see cref="Weight"/>.</summary>
        public void Retarget(float[] blendshapes) { _map.Apply(blendshapes, _weights); }

        /// <summary>Retargeted weight of the n-th driven shape in the renderer's unit: 0 to 100 for most meshes.</summary>
        public float Weight(int n) { return _weights[_driven[n]] * _fullWeights[n]; }

        /// <summary>Applies 52 weights to the renderer.</summary>
        public void Apply(float[] blendshapes)
        {
            Retarget(blendshapes);
            for (var n = 0; n < _driven.Length; n++) _renderer.SetBlendShapeWeight(_driven[n], Weight(n));
        }

        /// <summary>Sets the driven shapes to the weights that they had before the binding.</summary>
        public void RestoreWeights()
        {
            for (var n = 0; n < _driven.Length; n++) _renderer.SetBlendShapeWeight(_driven[n], _authoredWeights[n]);
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
