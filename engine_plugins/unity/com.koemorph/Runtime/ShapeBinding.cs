using System.Collections.Generic;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>Which blend shapes of one renderer show which coefficients.</summary>
    sealed class ShapeBinding
    {
        struct Shape
        {
            public int Index, Coefficient;
            /// <summary>The weight at which the shape is fully there; 100 on most meshes.</summary>
            public float Full;
        }

        readonly SkinnedMeshRenderer _renderer;
        readonly Mesh _mesh;
        readonly Shape[] _shapes;

        public ShapeBinding(SkinnedMeshRenderer renderer)
        {
            _renderer = renderer;
            _mesh = renderer.sharedMesh;
            var shapes = new List<Shape>();
            for (var i = 0; _mesh != null && i < _mesh.blendShapeCount; i++)
            {
                var coefficient = ShapeNames.Match(_mesh.GetBlendShapeName(i));
                if (coefficient < 0) continue;
                var full = _mesh.GetBlendShapeFrameWeight(i, _mesh.GetBlendShapeFrameCount(i) - 1);
                shapes.Add(new Shape { Index = i, Coefficient = coefficient, Full = full });
            }
            _shapes = shapes.ToArray();
        }

        public int Count { get { return _shapes.Length; } }

        /// <summary>False once the renderer is gone or shows another mesh: bind again.</summary>
        public bool Fits { get { return _renderer != null && _renderer.sharedMesh == _mesh; } }

        /// <summary>(shape name, coefficient index) of every match, for the inspector and for baking.</summary>
        public IEnumerable<KeyValuePair<string, int>> Matches()
        {
            foreach (var shape in _shapes)
                yield return new KeyValuePair<string, int>(_mesh.GetBlendShapeName(shape.Index), shape.Coefficient);
        }

        /// <summary>Full weight of the n-th match.</summary>
        public float Full(int n) { return _shapes[n].Full; }

        public void Apply(float[] weights)
        {
            foreach (var shape in _shapes)
                _renderer.SetBlendShapeWeight(shape.Index, weights[shape.Coefficient] * shape.Full);
        }
    }
}
