using System;
using System.Runtime.InteropServices;
using UnityEngine;

namespace KoeMorph.Interop
{
    /// <summary>
    /// koemorph_controls of koemorph.h; same fields, same order. Arrays have one element per blend shape, in the order
    /// of KoeMorphFace.Names.
    /// </summary>
    [Serializable, StructLayout(LayoutKind.Sequential)]
    public struct Controls
    {
        const int Blendshapes = 52;

        [HideInInspector] public uint Size;

        [Header("Audio"), Range(0, 10), Tooltip("Linear gain of the input.")] public float InputStrength;
        [Range(0, 1), Tooltip("1: audio near the noise floor is replaced by silence.")] public int Gate;
        [Range(1, 40), Tooltip("dB above the noise floor at which the gate opens.")] public float GateMargin;
        [Range(0, 5), Tooltip("Seconds that the gate stays open after speech.")] public float GateHold;
        [Range(-90, 0), Tooltip("dBFS; upper limit of the estimated noise floor.")] public float GateCeiling;
        [Range(0, 1), Tooltip("1: adjusts the level of speech to the target below.")] public int AutoGain;
        [Range(-60, 0), Tooltip("dBFS, RMS of speech.")] public float AutoGainTarget;
        [Range(0, 40), Tooltip("Maximum gain change in dB, up or down.")] public float AutoGainLimit;

        [Header("Face"), Range(0, 4), Tooltip("Eyes, brows, and cheeks below the eyes.")] public float UpperStrength;
        [Range(0, 4), Tooltip("All other blend shapes.")] public float LowerStrength;
        [Range(0, 2), Tooltip("Seconds, beyond the model's own smoothing.")] public float UpperSmoothing;
        [Range(0, 2), Tooltip("Seconds, beyond the model's own smoothing.")] public float LowerSmoothing;
        [Range(0, 1), Tooltip("0: the model's output. 1: left and right are equal.")] public float Symmetry;
        [Range(-1, 1), Tooltip("Above 0 closes the lips, below 0 opens them.")] public float LipCloseOffset;
        [Range(-1, 1), Tooltip("Above 0 opens the eyes wider, below 0 closes them.")] public float EyelidOffset;
        [Range(0, 10), Tooltip("Duration in seconds of the transition after a change.")] public float TransitionSeconds;

        [Header("Each blend shape"), PerBlendshape, Tooltip("-10 to 10.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Multiplier;
        [PerBlendshape, Tooltip("-1 to 1, after the multiplier.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Offset;
        [PerBlendshape, Tooltip("0 to 1, after multiplier and offset.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Minimum;
        [PerBlendshape, Tooltip("0 to 1, after multiplier and offset.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public float[] Maximum;
        [PerBlendshape, Tooltip("0: stays neutral.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public byte[] Active;
        [PerBlendshape, Tooltip("In a group with the same number above 0, only the strongest blend shape is active, reduced by the second strongest.")]
        [MarshalAs(UnmanagedType.ByValArray, SizeConst = Blendshapes)] public byte[] CancelGroup;

        [Header("Idle motion"), Range(0, 2), Tooltip("Strength of blinks.")] public float Blink;
        [Range(0, 120), Tooltip("Average rate.")] public float BlinksPerMinute;
        [Range(0, 2), Tooltip("Strength of saccades (small eye movements).")] public float Saccades;
        [Range(0, 2), Tooltip("Strength of brow movements on stressed words.")] public float BrowAccents;
        [Range(0, 2), Tooltip("Strength of the slow drift of brows, eyelids and mouth corners.")] public float Idle;
        [Tooltip("Equal seeds and audio give equal idle motion. Applies when the stream starts.")] public uint Seed;

        /// <summary>The defaults of the native library.</summary>
        /// <exception cref="KoeMorphException">The native library has an incompatible version.</exception>
        public static Controls Default()
        {
            Native.CheckVersion();
            Controls controls;
            Init(out controls);
            return controls;
        }

        /// <summary>The defaults, overridden by the controls in a preset file.</summary>
        /// <exception cref="KoeMorphException">The preset is invalid.</exception>
        public static Controls FromPreset(byte[] json)
        {
            Native.CheckVersion();
            Controls controls;
            Native.Check(FromPreset(json, (ulong)json.Length, out controls));
            return controls;
        }

        /// <summary>A copy in which arrays of the wrong length (changed in the inspector) are replaced by the defaults.</summary>
        internal Controls WithCompleteArrays(Controls defaults)
        {
            var complete = this;
            complete.Size = defaults.Size;
            complete.Multiplier = Complete(Multiplier, defaults.Multiplier);
            complete.Offset = Complete(Offset, defaults.Offset);
            complete.Minimum = Complete(Minimum, defaults.Minimum);
            complete.Maximum = Complete(Maximum, defaults.Maximum);
            complete.Active = Complete(Active, defaults.Active);
            complete.CancelGroup = Complete(CancelGroup, defaults.CancelGroup);
            return complete;
        }

        static T[] Complete<T>(T[] array, T[] defaults)
        {
            return array != null && array.Length == defaults.Length ? (T[])array.Clone() : defaults;
        }

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_init", CallingConvention = CallingConvention.Cdecl)]
        static extern void Init(out Controls controls);

        [DllImport(Library.Name, EntryPoint = "koemorph_controls_from_preset", CallingConvention = CallingConvention.Cdecl)]
        static extern Result FromPreset(byte[] json, ulong size, out Controls controls);
    }
}
