using System;
using System.Runtime.InteropServices;

namespace KoeMorph.Interop
{
    // The structs of koemorph.h; same fields, same order.

    [StructLayout(LayoutKind.Sequential)]
    struct ModelConfig
    {
        public uint Size;
        public IntPtr Path;
        public IntPtr Data;
        public ulong DataSize;
        public IntPtr OnnxRuntimePath;
        public int Threads;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct StreamConfig
    {
        public uint Size;
        public int SampleRate;
        public int Channels;
        public int Fps;
        public int Worker;
        public double BufferSeconds;
        public double HistorySeconds;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct PlayerConfig
    {
        public uint Size;
        public int SampleRate;
        public int Channels;
        public int Worker;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct PlayerState
    {
        public uint Size;
        public int Speaking;
        public int Paused;
        public int SampleRate;
        public int Channels;
        public double PlaybackTime;
        public double Latency;
        public double EndTime;
    }

    [StructLayout(LayoutKind.Sequential)]
    struct ClipState
    {
        public uint Size;
        public int Playing;
        public int Loop;
        public long Position;
        public long SampleCount;
        public double Speed;
    }

    /// <summary>A snapshot of a stream; see koemorph_stream_info.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct StreamInfo
    {
        internal uint Size;
        /// <summary>Frames per second.</summary>
        public int Fps;
        /// <summary>Seconds: the frame at time t needs audio up to t + Latency.</summary>
        public double Latency;
        /// <summary>Sample frames pushed, including dropped ones.</summary>
        public long PushedSamples;
        /// <summary>Sample frames overwritten before they were processed.</summary>
        public long DroppedSamples;
        /// <summary>Frames computed so far: the index of the next frame.</summary>
        public long FrameCount;
        /// <summary>Frames overwritten before they were pulled.</summary>
        public long SkippedFrames;
    }
}
