using System.Runtime.InteropServices;

namespace KoeMorph.Interop
{
    /// <summary>koemorph_controls of koemorph.h, field by field in the same order; its ranges are there.</summary>
    [StructLayout(LayoutKind.Sequential)]
    struct Controls
    {
        const int Coefficients = 52;

        public uint Size;
        public float InputStrength;
        public int Gate;
        public float GateMargin, GateHold, GateCeiling;
        public int AutoGain;
        public float AutoGainTarget, AutoGainLimit;
        public float UpperStrength, LowerStrength, UpperSmoothing, LowerSmoothing;
        public float Symmetry, LipCloseOffset, EyelidOffset, Glide;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public float[] Multiplier;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public float[] Offset;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public float[] Minimum;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public float[] Maximum;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public byte[] Active;
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Coefficients)] public byte[] CancelGroup;
        public float Blink, BlinksPerMinute, Saccades, BrowAccents, Idle;
        public uint Seed;

        /// <summary>The library's defaults.</summary>
        public static Controls Default()
        {
            Controls controls;
            Init(out controls);
            return controls;
        }

        /// <summary>The defaults and, over them, what a preset file says.</summary>
        /// <exception cref="KoeMorphException">The preset says something that presets cannot say.</exception>
        public static Controls FromPreset(byte[] json)
        {
            Controls controls;
            Native.Check(FromPreset(json, (ulong)json.Length, out controls));
            return controls;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(out Controls controls);

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_from_preset", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FromPreset(byte[] json, ulong size, out Controls controls);
    }
}
