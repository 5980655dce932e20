using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Feeds a face (input: Manual) from a microphone. The face follows the samples that have come, so a
    /// device whose clock drifts stays in time; one that goes away is waited for, and taken up again.
    /// </summary>
    [AddComponentMenu("KoeMorph/KoeMorph Microphone")]
    [RequireComponent(typeof(KoeMorphFace))]
    public sealed class KoeMorphMicrophone : MonoBehaviour
    {
        const int BufferSeconds = 1;
        const int Block = 256;
        /// <summary>Seconds without a new sample after which the device counts as lost.</summary>
        const double Lost = 1.0;

        [SerializeField, Tooltip("Name of the device. Empty: the system's.")]
        string _device = "";

        [SerializeField, Range(8000, 48000), Tooltip("Samples a second; 16000 is all the model hears.")]
        int _sampleRate = 16000;

        float[] _block;
        KoeMorphFace _face;
        AudioClip _clip;
        int _read;
        // What was asked for last: an inspector may have changed the settings since.
        string _askedDevice = "";
        int _askedRate;
        double _heard, _retry, _updated;
        bool _warned;

        /// <summary>Name of the device; "" is the system's. Takes effect at once.</summary>
        public string Device
        {
            get { return _device; }
            set { _device = value; FollowSettings(); }
        }

        /// <summary>True while sound is coming in.</summary>
        public bool IsListening { get { return _clip != null; } }

        string DeviceOrNull { get { return string.IsNullOrEmpty(_askedDevice) ? null : _askedDevice; } }

        void OnEnable()
        {
            _face = GetComponent<KoeMorphFace>();
            _face.Input = FaceInput.Manual;
            _retry = 0;
        }

        void OnDisable() { StopDevice(); }

        void Update()
        {
            var wall = AudioClock.Wall;
            FollowSettings();
            // Where the game stood (it loaded, its app slept), that says nothing of the device.
            if (wall - _updated > Lost / 2) _heard = wall;
            _updated = wall;
            if (_clip == null && wall >= _retry) StartDevice(wall);
            if (_clip == null) return;
            if (Read()) _heard = wall;
            else if (wall - _heard > Lost || !Microphone.IsRecording(DeviceOrNull)) Lose(wall);
        }

        void FollowSettings()
        {
            if (_device == _askedDevice && _sampleRate == _askedRate) return;
            StopDevice();
            _askedDevice = _device;
            _askedRate = _sampleRate;
            _retry = 0;
            _warned = false;
        }

        void StartDevice(double wall)
        {
            _retry = wall + Lost;
            if (Microphone.devices.Length > 0)
                _clip = Microphone.Start(DeviceOrNull, true, BufferSeconds, _askedRate);
            if (_clip == null)
            {
                Warn("cannot be opened; is it plugged in, and may this app use it?");
                return;
            }
            _warned = false;
            _read = 0;
            _heard = wall;
            _block = new float[Block * _clip.channels];
            _face.SetManualFormat(_clip.frequency, _clip.channels);
        }

        // Whole blocks only, so that one buffer does for every read and nothing is allocated.
        bool Read()
        {
            var waiting = Microphone.GetPosition(DeviceOrNull) - _read;
            if (waiting < 0) waiting += _clip.samples;
            if (waiting < Block) return false;
            for (; waiting >= Block; waiting -= Block)
            {
                _clip.GetData(_block, _read);
                _face.Push(_block, Block);
                _read = (_read + Block) % _clip.samples;
            }
            return true;
        }

        void Lose(double wall)
        {
            StopDevice();
            _retry = wall + Lost;
            Warn("has gone away; KoeMorph waits for it.");
        }

        void StopDevice()
        {
            if (_clip == null) return;
            Microphone.End(DeviceOrNull);
            _clip = null;
        }

        void Warn(string what)
        {
            if (_warned) return;
            _warned = true;
            var device = DeviceOrNull == null ? "The microphone" : "The microphone '" + _askedDevice + "'";
            Debug.LogWarning("KoeMorph: " + device + " " + what, this);
        }
    }
}
