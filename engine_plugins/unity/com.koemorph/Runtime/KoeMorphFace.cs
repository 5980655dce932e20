using System;
using System.Collections.Generic;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Makes a face follow a voice: 52 ARKit blendshapes from audio, on the blend shapes of one or more
    /// meshes. Anything that goes wrong is one message in the console, and a face at rest.
    /// </summary>
    [AddComponentMenu("KoeMorph/KoeMorph Face")]
    [DisallowMultipleComponent]
    public sealed partial class KoeMorphFace : MonoBehaviour
    {
        /// <summary>Format of <see cref="Push"/> until another is asked for.</summary>
        const int ManualRate = 48000;

        readonly float[] _weights = new float[Blendshapes.Count];
        readonly List<ShapeBinding> _bindings = new List<ShapeBinding>();

        // Written by the game thread, read by the audio thread.
        volatile FaceStream _stream;

        TextAsset _acquired;
        KoeMorphAudioTap _tap;
        ClipFeeder _feeder;
        AudioClip _clip;
        double _outputLatency, _playbackTime;
        int _manualRate = ManualRate, _manualChannels = 1;
        KoeMorphPreset _shownPreset;
        int _shownRevision;
        bool _speaking;
        int _closed;
        string _problem = "";

        void OnEnable()
        {
            AudioSettings.OnAudioConfigurationChanged += OnAudioConfigurationChanged;
            Open();
        }

        void OnDisable()
        {
            AudioSettings.OnAudioConfigurationChanged -= OnAudioConfigurationChanged;
            Close();
        }

        void LateUpdate()
        {
            if (_input == FaceInput.AudioClip && ClipChanged() || InspectorChanged()) Reopen();
            if (_input != FaceInput.Manual && _source == null && (_stream != null || _problem.Length == 0))
                Fail("There is no voice: set Source to an AudioSource, or put one on '" + name + "'.");
            FollowMixer();
            if (_stream == null) return;
            if (StandsStill)
            {
                _stream.Hold();
                return;
            }
            var stream = _stream;
            bool speaking;
            try
            {
                FollowPreset();
                _playbackTime = Advance(out speaking) - _delay;
                _stream.FollowVoice(speaking, _playbackTime);
                _stream.Sample(_playbackTime, _weights);
                Show();
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
                return;
            }
            if (ReferenceEquals(stream, _stream)) SetSpeaking(speaking);
        }

        /// <summary>
        /// Gives the face raw audio: interleaved samples in [-1, 1], from one thread of your own. Only with
        /// <see cref="FaceInput.Manual"/>. Wait-free. False when the face is not listening, or the array holds less.
        /// </summary>
        public bool Push(float[] interleaved, int frames)
        {
            var stream = _stream;
            if (_input != FaceInput.Manual || stream == null) return false;
            var channels = stream.Channels;
            return frames <= interleaved.Length / channels && stream.Feed(interleaved, frames, channels);
        }

        /// <summary>
        /// Sets the format that Push will bring from now on: Hz (8000-192000) and channels. A voice that speaks goes
        /// on. Game thread, between two calls of Push.
        /// </summary>
        public void SetManualFormat(int sampleRate, int channels)
        {
            if (sampleRate == _manualRate && channels == _manualChannels) return;
            _manualRate = sampleRate;
            _manualChannels = channels;
            if (_input != FaceInput.Manual) return;
            if (_stream == null) Reopen();
            else SetInputFormat(sampleRate, channels);
        }

        /// <summary>
        /// Lets the face fall to rest over some seconds, whatever its voice still says: an interruption. It stays
        /// there until FadeIn.
        /// </summary>
        public void FadeOut(float seconds) { if (_stream != null) _stream.FadeOut(_playbackTime, seconds); }

        /// <summary>Takes a FadeOut back over some seconds.</summary>
        public void FadeIn(float seconds) { if (_stream != null) _stream.FadeIn(_playbackTime, seconds); }

        internal void FeedFromAudioThread(float[] data, int channels)
        {
            var stream = _stream;
            if (stream != null) stream.Feed(data, data.Length / channels, channels);
        }

        void Open()
        {
            _problem = "";
            try
            {
                if (_source == null && _input != FaceInput.Manual) _source = GetComponent<AudioSource>();
                _clip = _source == null ? null : _source.clip;
                RememberInspector();
                if (_input == FaceInput.AudioSource && _source == null) return;  // may yet come; see LateUpdate
                if (_input == FaceInput.AudioClip && (_clip == null || ClipFeeder.Waits(_source, _clip))) return;  // nothing to say yet
                var asset = ModelInUse;
                var model = SharedModel.Acquire(asset);
                _acquired = asset;
                Bind();
                OpenInput(model);
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
            }
            catch (Exception error) when (error is DllNotFoundException || error is BadImageFormatException)
            {
                Fail("The native library 'koemorph' cannot be loaded on this platform: reinstall com.koemorph with " +
                     "the library of this platform (see Platforms in its README). " + error.Message);
            }
            catch (EntryPointNotFoundException error)
            {
                Fail("The native library 'koemorph' is older than this package: replace it and restart Unity. " +
                     error.Message);
            }
        }

        void FollowPreset()
        {
            var revision = _preset == null ? 0 : _preset.Revision;
            if (ReferenceEquals(_preset, _shownPreset) && revision == _shownRevision) return;
            _shownPreset = _preset;
            _shownRevision = revision;
            try
            {
                _stream.SetControls(_preset == null ? Interop.Controls.Default() : _preset.Controls);
                _problem = "";
            }
            catch (KoeMorphException error)
            {
                Report(error.Message);  // and the face goes on with what it had
            }
        }

        void OpenInput(Interop.ModelHandle model)
        {
            switch (_input)
            {
                case FaceInput.AudioSource:
                    _stream = new FaceStream(model, AudioSettings.outputSampleRate, ChannelCount(AudioSettings.speakerMode));
                    Listen();
                    break;
                case FaceInput.AudioClip:
                    _stream = new FaceStream(model, _clip.frequency, _clip.channels);
                    _feeder = new ClipFeeder(_stream, _clip);
                    break;
                default:
                    _stream = new FaceStream(model, _manualRate, _manualChannels);
                    break;
            }
        }

        void Listen()
        {
            int length, buffers;
            AudioSettings.GetDSPBufferSize(out length, out buffers);
            _outputLatency = length * buffers / (double)AudioSettings.outputSampleRate;
            _tap = _source.gameObject.AddComponent<KoeMorphAudioTap>();
            _tap.hideFlags = HideFlags.HideAndDontSave;
            _tap.Face = this;
        }

        void StopListening()
        {
            if (_tap == null) return;
            _tap.Face = null;
            Destroy(_tap);
            _tap = null;
        }

        void Close()
        {
            _closed++;
            StopListening();
            var stream = _stream;
            _stream = null;
            if (stream != null) stream.Dispose();
            // Not "!= null": its AssetBundle may have taken the asset away meanwhile, and the model is still held.
            if (!ReferenceEquals(_acquired, null)) SharedModel.Release(_acquired);
            _acquired = null;
            _feeder = null;
            _playbackTime = 0;  // else a FadeOut before the next stream is shown would be one of a time to come
            _shownPreset = null;
            Rest();
            Unbind();
            SetSpeaking(false);
        }

        void Reopen()
        {
            if (!isActiveAndEnabled) return;
            var closing = _closed + 1;
            Close();
            // Listeners of VoiceStopped may have disabled the face, or started it anew with what it is to have now.
            if (isActiveAndEnabled && _closed == closing) Open();
        }

        void Fail(string message)
        {
            Report(message);
            Close();
        }

        void Report(string message)
        {
            _problem = message;
            Debug.LogError("KoeMorph: " + message, this);
        }

        /// <summary>The game is paused with its sound: the face is as it was, and no time passes.</summary>
        bool StandsStill
        {
            get { return AudioListener.pause && _input != FaceInput.Manual && !_source.ignoreListenerPause; }
        }

        bool ClipChanged()
        {
            if (_source == null) return false;
            return _source.clip != _clip || _stream == null && _problem.Length == 0 && _clip != null && !ClipFeeder.Waits(_source, _clip);
        }

        void OnAudioConfigurationChanged(bool deviceWasChanged)
        {
            if (_stream == null) Reopen();  // what was missing may be there now
            else if (_tap != null && _source != null) FollowDevice();
        }

        void FollowDevice()
        {
            // With another device the engine builds its mixer anew, and some platforms lose the filters it had.
            StopListening();
            Listen();
            SetInputFormat(AudioSettings.outputSampleRate, ChannelCount(AudioSettings.speakerMode));
        }

        /// <summary>The mixer may give other than its settings say, and change without a word.</summary>
        void FollowMixer()
        {
            if (_stream == null || _tap == null) return;
            var unfit = _stream.UnfitChannels;
            SetInputFormat(AudioSettings.outputSampleRate, unfit != 0 ? unfit : _stream.Channels);
        }

        void SetInputFormat(int sampleRate, int channels)
        {
            if (sampleRate == _stream.SampleRate && channels == _stream.Channels) return;
            try
            {
                _stream.SetInputFormat(sampleRate, channels);
            }
            catch (KoeMorphException error)
            {
                Fail(error.Message);
            }
        }

        /// <summary>Moves the input on; the stream time that is heard now, and whether there is a voice.</summary>
        double Advance(out bool speaking)
        {
            bool stopped;
            double time;
            if (_feeder != null)
            {
                time = _feeder.Advance(_source);
                stopped = !_feeder.IsHeard;
            }
            else
            {
                stopped = _stream.FeedSilenceWhenStopped();
                // A voice pushed by hand is shown as soon as it can be; one that is played, when it is heard.
                time = _stream.Heard(_input == FaceInput.Manual ? _stream.Lag : _outputLatency);
            }
            speaking = !stopped && _stream.Fed > 0;
            return time;
        }

        /// <summary>Last of all that is done at a time: its listeners may disable the face, or start it anew.</summary>
        void SetSpeaking(bool speaking)
        {
            if (speaking == _speaking) return;
            _speaking = speaking;
            (speaking ? _voiceStarted : _voiceStopped).Invoke();
        }

        void Unbind()
        {
            foreach (var binding in _bindings) binding.Dispose();
            _bindings.Clear();
        }

        void Bind()
        {
            Unbind();
            var map = MapInUse;
            var renderers = _renderers.Length > 0 ? _renderers : GetComponentsInChildren<SkinnedMeshRenderer>(true);
            foreach (var renderer in renderers)
            {
                if (renderer == null) continue;
                var binding = new ShapeBinding(renderer, map);
                if (binding.Count > 0 || _renderers.Length > 0) _bindings.Add(binding);
                else binding.Dispose();
            }
            foreach (var binding in _bindings) if (binding.Count > 0) return;
            Debug.LogWarning("KoeMorph: no mesh of '" + name + "' has a blend shape that its map drives (with ARKit's " +
                             "names: jawOpen, mouthClose, ...). Set Map or Renderers, or read Weights yourself.", this);
        }

        void Show()
        {
            if (WeightsReady != null) WeightsReady(_weights);
            if (_stream == null) return;  // a listener has disabled the face
            foreach (var binding in _bindings)
            {
                if (!binding.Fits)
                {
                    Bind();
                    break;
                }
                binding.Apply(_weights);
            }
        }

        void Rest()
        {
            Array.Clear(_weights, 0, _weights.Length);
            foreach (var binding in _bindings) if (binding.Fits) binding.Apply(_weights);
        }

        static int ChannelCount(AudioSpeakerMode mode)
        {
            switch (mode)
            {
                case AudioSpeakerMode.Mono: return 1;
                case AudioSpeakerMode.Quad: return 4;
                case AudioSpeakerMode.Surround: return 5;
                case AudioSpeakerMode.Mode5point1: return 6;
                case AudioSpeakerMode.Mode7point1: return 8;
                default: return 2;
            }
        }
    }
}
