using System;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;
using UnityEngine.Scripting;

namespace KoeMorph.Interop
{
    /// <summary>
    /// Owns a koemorph_player: a stream in sync with an audio source. A call in progress on another thread keeps the
    /// native player alive; a call after Dispose throws ObjectDisposedException, except for Feed. Times are those of Clock.
    /// </summary>
    sealed class PlayerHandle : SafeHandleZeroOrMinusOneIsInvalid
    {
        [Preserve]  // only the runtime calls it, which code stripping cannot detect
        PlayerHandle() : base(true) { }

        public static PlayerHandle Create(ModelHandle model, int sampleRate, int channels)
        {
            var config = new PlayerConfig();
            Init(ref config);
            config.SampleRate = sampleRate;
            config.Channels = channels;
            PlayerHandle player;
            Native.Check(Create(model, ref config, out player));
            return player;
        }

        /// <summary>[audio] Interleaved samples; wait-free, does not allocate.</summary>
        /// <returns>False if the block was dropped or replaced by silence: the format is new, the player is closed, or
        /// another thread pushes.</returns>
        public bool Feed(float[] interleaved, int sampleCount, int sampleRate, int channels)
        {
            try
            {
                return !IsClosed && Feed(this, interleaved, sampleCount, sampleRate, channels, Clock.Now) == Result.Ok;
            }
            catch (ObjectDisposedException)
            {
                return false;  // the game thread closed the player between the check and the call
            }
        }

        /// <summary>[game] The format of the following blocks; the stream continues. Allocates.</summary>
        public void SetInputFormat(int sampleRate, int channels) { Native.Check(SetInputFormat(this, sampleRate, channels, Clock.Now)); }

        /// <summary>[game] Advances to the present time.</summary>
        public void Update(bool paused) { Native.Check(Update(this, Clock.Now, paused ? 1 : 0)); }

        /// <summary>[game] Instead of Update, for a clip that is read ahead. Call NextRead afterwards.</summary>
        public void FollowClip(ClipState clip, bool paused)
        {
            clip.Size = (uint)Marshal.SizeOf(typeof(ClipState));
            Native.Check(FollowClip(this, ref clip, Clock.Now, paused ? 1 : 0));
        }

        /// <summary>[game] Number of samples of the clip to feed next, and their position; 0 if there are none.</summary>
        public int NextRead(out long position)
        {
            int count;
            Native.Check(NextRead(this, out position, out count));
            return count;
        }

        /// <summary>[game] Weights at the playback time; neutral before the first frame.</summary>
        public void Sample(float[] weights) { Native.Check(Sample(this, weights, weights.Length)); }

        /// <summary>[game] Seconds from feeding a sample to the loudspeaker, negative: as early as possible; and a delay.</summary>
        public void SetLatency(double outputLatency, double delay) { Native.Check(SetLatency(this, outputLatency, delay)); }

        /// <summary>[game] Applies controls with a transition.</summary>
        public void SetControls(Controls controls) { Native.Check(SetControls(this, ref controls)); }

        /// <summary>[game] Fades to neutral weights, which hold until FadeIn.</summary>
        public void FadeOut(double seconds) { Native.Check(FadeOut(this, seconds)); }

        /// <summary>[game] Reverts FadeOut.</summary>
        public void FadeIn(double seconds) { Native.Check(FadeIn(this, seconds)); }

        /// <summary>[game]</summary>
        public PlayerState State()
        {
            var state = new PlayerState { Size = (uint)Marshal.SizeOf(typeof(PlayerState)) };
            Native.Check(GetState(this, ref state));
            return state;
        }

        public StreamInfo Info()
        {
            var info = new StreamInfo { Size = (uint)Marshal.SizeOf(typeof(StreamInfo)) };
            Native.Check(GetInfo(Stream(this), ref info));
            return info;
        }

        protected override bool ReleaseHandle()
        {
            Destroy(handle);
            return true;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_player_config_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(ref PlayerConfig config);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_create", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Create(ModelHandle model, ref PlayerConfig config, out PlayerHandle player);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_destroy", CallingConvention = CallingConvention.Cdecl)]
        static extern void Destroy(IntPtr player);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_feed", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Feed(PlayerHandle player, float[] interleaved, int sampleCount, int sampleRate, int channels, double now);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_set_input_format", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetInputFormat(PlayerHandle player, int sampleRate, int channels, double now);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_update", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Update(PlayerHandle player, double now, int pause);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_follow_clip", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FollowClip(PlayerHandle player, ref ClipState clip, double now, int pause);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_next_read", CallingConvention = CallingConvention.Cdecl)]
        static extern Result NextRead(PlayerHandle player, out long position, out int count);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_sample", CallingConvention = CallingConvention.Cdecl)]
        static extern Result Sample(PlayerHandle player, float[] weights, int count);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_set_latency", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetLatency(PlayerHandle player, double outputLatency, double delay);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_set_controls", CallingConvention = CallingConvention.Cdecl)]
        static extern Result SetControls(PlayerHandle player, ref Controls controls);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_fade_out", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FadeOut(PlayerHandle player, double seconds);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_fade_in", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FadeIn(PlayerHandle player, double seconds);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_get_state", CallingConvention = CallingConvention.Cdecl)]
        static extern Result GetState(PlayerHandle player, ref PlayerState state);

        [DllImport(Library.Name, EntryPoint = "koemorph_player_stream", CallingConvention = CallingConvention.Cdecl)]
        static extern IntPtr Stream(PlayerHandle player);

        [DllImport(Library.Name, EntryPoint = "koemorph_stream_get_info", CallingConvention = CallingConvention.Cdecl)]
        static extern Result GetInfo(IntPtr stream, ref StreamInfo info);
    }
}
