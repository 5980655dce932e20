using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEngine;
using UnityEngine.Events;

namespace KoeMorph
{
    /// <summary>The audio that animates a face.</summary>
    public enum FaceInput
    {
        /// <summary>The output of an AudioSource, with its effects; volume is compensated.</summary>
        AudioSource,
        /// <summary>The AudioSource's clip, read ahead of the play position: the model adds no latency.</summary>
        AudioClip,
        /// <summary>Audio passed to <see cref="KoeMorphFace.Push"/>: network audio, a synthesizer, a microphone.</summary>
        Manual
    }

    public sealed partial class KoeMorphFace
    {
        [SerializeField, Tooltip("The audio that animates the face.")]
        FaceInput _input = FaceInput.AudioSource;

        [SerializeField, Tooltip("Empty: the AudioSource on this GameObject.")]
        AudioSource _source = null;

        [SerializeField, BundledAsset(BundledAssets.Models), Tooltip("Name of a bundled model.")]
        string _modelName = ModelCache.DefaultName;

        [SerializeField, Tooltip("A model of your own (.onnx, renamed to .bytes), used instead of Model Name.")]
        TextAsset _model = null;

        [SerializeField, Tooltip("Meshes to animate. Empty: all meshes below this GameObject with matching blend shapes.")]
        SkinnedMeshRenderer[] _renderers = new SkinnedMeshRenderer[0];

        [SerializeField, BundledAsset(BundledAssets.Maps), Tooltip("Name of a bundled retarget map: from ARKit blend shapes to those of the meshes.")]
        string _mapName = ArkitMap;

        [SerializeField, Tooltip("A retarget map of your own (.json), used instead of Map Name.")]
        TextAsset _map = null;

        [SerializeField, Tooltip("Controls of the animation. Empty: the defaults.")]
        KoeMorphPreset _preset = null;

        [SerializeField, Range(-0.3f, 0.3f), Tooltip("Seconds by which the animation is delayed (positive) or advanced (negative).")]
        float _delay = 0;

        [SerializeField, Tooltip("Invoked when audio starts.")]
        UnityEvent _voiceStarted = new UnityEvent();

        [SerializeField, Tooltip("Invoked when audio stops.")]
        UnityEvent _voiceStopped = new UnityEvent();

        /// <summary>Invoked in LateUpdate with the 52 weights in [0, 1] before they are applied; may change them.</summary>
        public event Action<float[]> WeightsReady;

        public UnityEvent VoiceStarted { get { return _voiceStarted; } }
        public UnityEvent VoiceStopped { get { return _voiceStopped; } }

        const string ArkitMap = "arkit";

        /// <summary>The audio input. A change restarts the face, like a change of Source, ModelName, Model, MapName, Map or
        /// Renderers; setting an equal value does nothing.</summary>
        public FaceInput Input
        {
            get { return _input; }
            set
            {
                if (_input == value) return;
                _input = value;
                Restart();
            }
        }

        /// <summary>Null: the AudioSource on this GameObject.</summary>
        public AudioSource Source
        {
            get { return _source; }
            set { Set(ref _source, value); }
        }

        /// <summary>Name of a bundled model; "" for koemorph-30.</summary>
        public string ModelName { get { return _modelName; } set { Set(ref _modelName, value); } }

        /// <summary>A model of your own, used instead of ModelName.</summary>
        public TextAsset Model { get { return _model; } set { Set(ref _model, value); } }

        /// <summary>Name of a bundled retarget map; "" for arkit.</summary>
        public string MapName { get { return _mapName; } set { Set(ref _mapName, value); } }

        /// <summary>A retarget map of your own, used instead of MapName.</summary>
        public TextAsset Map { get { return _map; } set { Set(ref _map, value); } }

        /// <summary>Meshes to animate; empty: all meshes below this GameObject with matching blend shapes.</summary>
        public SkinnedMeshRenderer[] Renderers
        {
            get { return _renderers; }
            set
            {
                var renderers = value ?? new SkinnedMeshRenderer[0];
                var equal = renderers.Length == _renderers.Length;
                for (var i = 0; equal && i < renderers.Length; i++) equal = ReferenceEquals(renderers[i], _renderers[i]);
                _renderers = renderers;
                if (!equal) Restart();
            }
        }

        /// <summary>Controls of the animation; null: the defaults. Changes apply with a transition.</summary>
        public KoeMorphPreset Preset { get { return _preset; } set { _preset = value; } }

        /// <summary>Seconds by which the animation is delayed (positive) or advanced (negative).</summary>
        public float Delay { get { return _delay; } set { _delay = value; } }

        /// <summary>The 52 weights displayed now, in [0, 1], in the order of <see cref="Names"/>; read only.</summary>
        public float[] Weights { get { return _weights; } }

        /// <summary>ARKit names of the 52 blend shapes, in the order of <see cref="Weights"/>.</summary>
        public static string[] Names { get { return Blendshapes.Names; } }

        /// <summary>The last error; "" if there is none.</summary>
        public string Error { get { return _error; } }

        /// <exception cref="KoeMorphException">There is no such model.</exception>
        internal TextAsset ModelInUse { get { return ModelCache.Resolve(_model, _modelName); } }

        /// <exception cref="KoeMorphException">There is no such map.</exception>
        internal TextAsset MapInUse
        {
            get { return _map != null ? _map : BundledAssets.Load(BundledAssets.Maps, string.IsNullOrEmpty(_mapName) ? ArkitMap : _mapName); }
        }

        /// <summary>True while the input has audio.</summary>
        public bool IsSpeaking { get { return _speaking; } }

        /// <summary>Stream time of the displayed weights: seconds of audio since the face was enabled.</summary>
        public double PlaybackTime { get { return _playbackTime; } }

        /// <summary>Counters of the native stream; all 0 while there is none.</summary>
        public StreamInfo Info { get { return _player == null ? new StreamInfo() : _player.Info(); } }

        /// <summary>Blend shapes of all meshes that are animated.</summary>
        public IEnumerable<string> MatchedShapes()
        {
            foreach (var binding in _bindings)
                for (var n = 0; n < binding.Count; n++) yield return binding.Name(n);
        }

        /// <summary>Blend shapes of these meshes that are not animated.</summary>
        public IEnumerable<string> UnmatchedShapes()
        {
            foreach (var binding in _bindings)
                foreach (var name in binding.UnmatchedNames()) yield return name;
        }

        void Set<T>(ref T field, T value) where T : class
        {
            // By reference for assets: a destroyed asset equals null for Unity, but is another value. Text by content.
            if (ReferenceEquals(field, value) || value is string && Equals(field, value)) return;
            field = value;
            Restart();
        }
    }
}
