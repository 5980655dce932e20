using System;
using System.Runtime.InteropServices;
using UnityEngine;

namespace KoeMorph.Interop
{
    /// <summary>
    /// koemorph_controls of koemorph.h, field by field in the same order: how one voice moves one face. Arrays
    /// have one element a blendshape, in the order of KoeMorphFace.Names.
    /// </summary>
    [Serializable, StructLayout(LayoutKind.Sequential)]
    public struct Controls
    {
        const int Blendshapes = 52;

        [HideInInspector] public uint Size;

        [Header("Voice"), Range(0, 10), Tooltip("Gain on the voice.")] public float InputStrength;
        [Range(0, 1), Tooltip("1: what lies near the noise floor is not heard.")] public int Gate;
        [Range(1, 40), Tooltip("dB above the noise floor at which a voice begins.")] public float GateMargin;
        [Range(0, 5), Tooltip("Seconds that the gate stays open after the voice.")] public float GateHold;
        [Range(-90, 0), Tooltip("dBFS; the noise floor is never taken for louder.")] public float GateCeiling;
        [Range(0, 1), Tooltip("1: voices are brought to the target below.")] public int AutoGain;
        [Range(-60, 0), Tooltip("dBFS, RMS of speech.")] public float AutoGainTarget;
        [Range(0, 40), Tooltip("dB up or down at most.")] public float AutoGainLimit;

        [Header("Face"), Range(0, 4), Tooltip("Eyes, brows, and cheeks below the eyes.")] public float UpperStrength;
        [Range(0, 4), Tooltip("The rest.")] public float LowerStrength;
        [Range(0, 2), Tooltip("Seconds, beyond the model's own smoothing.")] public float UpperSmoothing;
        [Range(0, 2), Tooltip("Seconds, beyond the model's own smoothing.")] public float LowerSmoothing;
        [Range(0, 1), Tooltip("0: as the model says. 1: left and right alike.")] public float Symmetry;
        [Range(-1, 1), Tooltip("Above 0 the lips close, below 0 they part.")] public float LipCloseOffset;
        [Range(-1, 1), Tooltip("Above 0 the eyes open wider, below 0 they close.")] public float EyelidOffset;
        [Range(0, 10), Tooltip("Seconds over which a change takes place.")] public float TransitionSeconds;

        [Header("Each blendshape"), PerBlendshape, Tooltip("-10 to 10.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Multiplier;
        [PerBlendshape, Tooltip("-1 to 1, after the multiplier.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Offset;
        [PerBlendshape, Tooltip("0 to 1, after multiplier and offset.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Minimum;
        [PerBlendshape, Tooltip("0 to 1, after multiplier and offset.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Maximum;
        [PerBlendshape, Tooltip("0: stays at rest.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public byte[] Active;
        [PerBlendshape, Tooltip("Of the same number above 0 only the strongest acts, by what it is stronger than the next.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public byte[] CancelGroup;

        [Header("Life"), Range(0, 2), Tooltip("Strength of blinks.")] public float Blink;
        [Range(0, 120), Tooltip("On average.")] public float BlinksPerMinute;
        [Range(0, 2), Tooltip("Strength of the eyes' small jumps.")] public float Saccades;
        [Range(0, 2), Tooltip("Strength of brows on stressed words.")] public float BrowAccents;
        [Range(0, 2), Tooltip("Strength of slow motion.")] public float Idle;
        [Tooltip("The same seed and voice give the same life; taken over when the face starts.")] public uint Seed;

        /// <summary>The library's defaults.</summary>
        /// <exception cref="KoeMorphException">The library is of another version.</exception>
        public static Controls Default()
        {
            Native.CheckVersion();
            Controls controls;
            Init(out controls);
            return controls;
        }

        /// <summary>The defaults and, over them, what a preset file says.</summary>
        /// <exception cref="KoeMorphException">The preset says something that presets cannot say.</exception>
        public static Controls FromPreset(byte[] json)
        {
            Native.CheckVersion();
            Controls controls;
            Native.Check(FromPreset(json, (ulong)json.Length, out controls));
            return controls;
        }

        /// <summary>The same with whole arrays: one whose length an inspector has changed is the default's.</summary>
        internal Controls Completed(Controls defaults)
        {
            var whole = this;
            whole.Size = defaults.Size;
            whole.Multiplier = Whole(Multiplier, defaults.Multiplier);
            whole.Offset = Whole(Offset, defaults.Offset);
            whole.Minimum = Whole(Minimum, defaults.Minimum);
            whole.Maximum = Whole(Maximum, defaults.Maximum);
            whole.Active = Whole(Active, defaults.Active);
            whole.CancelGroup = Whole(CancelGroup, defaults.CancelGroup);
            return whole;
        }

        static T[] Whole<T>(T[] array, T[] otherwise)
        {
            return array != null && array.Length == otherwise.Length ? (T[])array.Clone() : otherwise;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(out Controls controls);

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_from_preset", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FromPreset(byte[] json, ulong size, out Controls controls);
    }
}
