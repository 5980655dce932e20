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
