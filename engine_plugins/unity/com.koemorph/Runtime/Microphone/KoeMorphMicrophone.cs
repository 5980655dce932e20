using System;
using UnityEngine;

namespace KoeMorph
{
    /// <summary>
    /// Animates a face (input: Manual) from a microphone. The animation follows the received samples, so the drift of the
    /// device's clock does not accumulate. After the device is lost, it is opened again when it is available.
    /// </summary>
    [AddComponentMenu("KoeMorph/KoeMorph Microphone")]
    [RequireComponent(typeof(KoeMorphFace))]
    public sealed class KoeMorphMicrophone : MonoBehaviour
    {
        const int BufferSeconds = 1;
        const int Block = 256;
        /// <summary>Seconds without new samples after which the device counts as lost, and between attempts to open it.</summary>
        const double Timeout = 1.0;

        [SerializeField, Tooltip("Name of the device. Empty: the system's default.")]
        string _device = "";

        [SerializeField, Range(8000, 48000), Tooltip("Sample rate in Hz, limited to what the device supports. The model uses 16000.")]
        int _sampleRate = 16000;

        float[] _block;
        KoeMorphFace _face;
        AudioClip _clip;
        int _read;
        // Settings in use: the inspector may change the fields above.
        string _openedDevice = "";
        int _openedSampleRate;
        double _lastSampleTime, _retryTime, _updateTime;
        bool _warned;

        /// <summary>Name of the device; "" is the system's default. Applies immediately.</summary>
        public string Device
        {
            get { return _device; }
            set
            {
                _device = value;
                ApplySettings();
            }
        }

        /// <summary>True while the device records.</summary>
        public bool IsRecording { get { return _clip != null; } }

        string DeviceOrNull { get { return string.IsNullOrEmpty(_openedDevice) ? null : _openedDevice; } }

        void OnEnable()
        {
            _face = GetComponent<KoeMorphFace>();
            _face.Input = FaceInput.Manual;
            _retryTime = 0;
        }

        void OnDisable() { CloseDevice(); }

        void Update()
        {
            var now = Clock.Now;
            ApplySettings();
            // If the game thread stalled (loading, suspended), missing samples do not mean a lost device.
            if (now - _updateTime > Timeout / 2) _lastSampleTime = now;
            _updateTime = now;
            if (_clip == null && now >= _retryTime) OpenDevice(now);
            if (_clip == null) return;
            // Checked first: for a missing device Microphone.GetPosition returns 0, which would read old samples again.
            if (!Microphone.IsRecording(DeviceOrNull)) OnDeviceLost(now);
            else if (Read()) _lastSampleTime = now;
            else if (now - _lastSampleTime > Timeout) OnDeviceLost(now);
        }

        void ApplySettings()
        {
            if (_device == _openedDevice && _sampleRate == _openedSampleRate) return;
            CloseDevice();
            _openedDevice = _device;
            _openedSampleRate = _sampleRate;
            _retryTime = 0;
            _warned = false;
        }

        void OpenDevice(double now)
        {
            _retryTime = now + Timeout;
            if (IsAvailable()) _clip = Microphone.Start(DeviceOrNull, true, BufferSeconds, SupportedSampleRate());
            if (_clip == null)
            {
                Warn("cannot be opened. Check that it is connected and that the app has permission to use it. KoeMorph retries every second.");
                return;
            }
            _warned = false;
            _read = 0;
            _lastSampleTime = now;
            _block = new float[Block * _clip.channels];
            _face.SetManualFormat(_clip.frequency, _clip.channels);
        }

        // Microphone.Start throws ArgumentException for a device that is not connected.
        bool IsAvailable()
        {
            var devices = Microphone.devices;
            return DeviceOrNull == null ? devices.Length > 0 : Array.IndexOf(devices, DeviceOrNull) >= 0;
        }

        int SupportedSampleRate()
        {
            int minimum, maximum;
            Microphone.GetDeviceCaps(DeviceOrNull, out minimum, out maximum);
            // 0, 0: any sample rate.
            return maximum == 0 ? _openedSampleRate : Mathf.Clamp(_openedSampleRate, minimum, maximum);
        }

        // Reads whole blocks only, so that one buffer suffices and nothing is allocated.
        bool Read()
        {
            var available = Microphone.GetPosition(DeviceOrNull) - _read;
            if (available < 0) available += _clip.samples;
            if (available < Block) return false;
            for (; available >= Block; available -= Block)
            {
                _clip.GetData(_block, _read);
                _face.Push(_block, Block);
                _read = (_read + Block) % _clip.samples;
            }
            return true;
        }

        void OnDeviceLost(double now)
        {
            CloseDevice();
            _retryTime = now + Timeout;
            Warn("was lost: no samples arrive. KoeMorph opens it again when it is available.");
        }

        void CloseDevice()
        {
            if (_clip == null) return;
            Microphone.End(DeviceOrNull);
            Destroy(_clip);
            _clip = null;
        }

        /// <summary>Once per loss.</summary>
        void Warn(string what)
        {
            if (_warned) return;
            _warned = true;
            var device = DeviceOrNull == null ? "the default microphone" : "microphone '" + _openedDevice + "'";
            Debug.LogWarning("KoeMorph: " + device + " " + what, this);
        }
    }
}
