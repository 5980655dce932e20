using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>Turns an AudioClip into an AnimationClip. Frame k is the face at exactly k / fps: no latency.</summary>
    public static class FaceBaker
    {
        /// <summary>One computed face.</summary>
        public struct Frame
        {
            /// <summary>Seconds from the start of the clip.</summary>
            public double Time;
            /// <summary>52 weights in [0, 1], in the order of KoeMorphFace.Names.</summary>
            public float[] Weights;
        }

        /// <summary>Every frame of a clip.</summary>
        /// <param name="model">Null: koemorph-30 in the package.</param>
        /// <param name="preset">Null: KoeMorph's defaults.</param>
        /// <exception cref="KoeMorphException">The clip gives no samples, or the model cannot be run.</exception>
        public static List<Frame> Frames(AudioClip clip, TextAsset model, KoeMorphPreset preset)
        {
            if (clip.loadState == AudioDataLoadState.Unloaded) clip.LoadAudioData();  // as without Preload Audio Data
            if (clip.loadState == AudioDataLoadState.Loading)
                throw new KoeMorphException("AudioClip '" + clip.name + "' is still being loaded: try again in a moment.");
            var samples = new float[clip.samples * clip.channels];
            if (!clip.GetData(samples, 0))
                throw new KoeMorphException(
                    "AudioClip '" + clip.name + "' gives no samples: set its Load Type to Decompress On Load.");
            var asset = SharedModel.Resolve(model, SharedModel.DefaultName);
            try
            {
                using (var stream = StreamHandle.Create(SharedModel.Acquire(asset), clip.frequency, clip.channels, false, 0))
                {
                    if (preset != null) stream.SetControls(preset.Controls);
                    return Play(stream, samples, clip);
                }
            }
            finally
            {
                SharedModel.Release(asset);
            }
        }

        /// <summary>A new AnimationClip with one curve for each blend shape that the face drives.</summary>
        /// <param name="root">Where the Animator sits; curve paths start here.</param>
        /// <exception cref="KoeMorphException">The clip, model or map cannot be used, or no shape is driven.</exception>
        public static AnimationClip Bake(AudioClip clip, KoeMorphFace face, Transform root)
        {
            var frames = Frames(clip, face.ModelInUse, face.Preset);
            var animation = new AnimationClip { name = clip.name, frameRate = FrameRate(frames) };
            var renderers = face.Renderers.Length > 0 ? face.Renderers : face.GetComponentsInChildren<SkinnedMeshRenderer>(true);
            var curves = 0;
            foreach (var renderer in renderers)
            {
                if (renderer == null) continue;
                using (var binding = new ShapeBinding(renderer, face.MapInUse))
                {
                    SetCurves(animation, AnimationUtility.CalculateTransformPath(renderer.transform, root), binding, frames);
                    curves += binding.Count;
                }
            }
            if (curves == 0) throw new KoeMorphException("None of the meshes has a blend shape that the map drives.");
            return animation;
        }

        /// <summary>Bakes and saves beside the audio file, as NAME.anim; an older one keeps its identity.</summary>
        /// <returns>The asset's path.</returns>
        /// <exception cref="KoeMorphException">As Bake, or nothing can be saved there.</exception>
        public static string BakeToAsset(AudioClip clip, KoeMorphFace face, Transform root)
        {
            var audio = AssetDatabase.GetAssetPath(clip);
            if (audio.Length == 0) throw new KoeMorphException("It is no asset of the project; use FaceBaker.Bake and save what that gives.");
            var path = System.IO.Path.ChangeExtension(audio, ".anim").Replace('\\', '/');
            var baked = Bake(clip, face, root);
            var existing = AssetDatabase.LoadAssetAtPath<AnimationClip>(path);
            if (existing == null) Create(baked, path);
            else EditorUtility.CopySerialized(baked, existing);
            AssetDatabase.SaveAssets();
            return path;
        }

        // Packages that are installed may not be written to.
        static void Create(AnimationClip baked, string path)
        {
            try
            {
                AssetDatabase.CreateAsset(baked, path);
            }
            catch (UnityException error)
            {
                throw new KoeMorphException(path + " cannot be saved; bake a copy of the sound in Assets. " + error.Message, error);
            }
        }

        // A quarter of a second at a time: a stream holds half of one between push and process.
        static List<Frame> Play(StreamHandle stream, float[] samples, AudioClip clip)
        {
            var frames = new List<Frame>();
            var block = new float[clip.frequency / 4 * clip.channels];
            for (var first = 0; first < samples.Length; first += block.Length)
            {
                var count = Math.Min(block.Length, samples.Length - first);
                Array.Copy(samples, first, block, 0, count);
                Native.Check(stream.Push(block, count / clip.channels));
                Collect(stream, frames);
            }
            stream.Flush();
            Collect(stream, frames);
            return frames;
        }

        static void Collect(StreamHandle stream, List<Frame> frames)
        {
            stream.Process();
            double time;
            var weights = new float[Blendshapes.Count];
            while (stream.Pull(weights, out time))
            {
                frames.Add(new Frame { Time = time, Weights = weights });
                weights = new float[Blendshapes.Count];
            }
        }

        static float FrameRate(List<Frame> frames)
        {
            return frames.Count < 2 ? 30 : (float)Math.Round(1 / (frames[1].Time - frames[0].Time));
        }

        static void SetCurves(AnimationClip animation, string path, ShapeBinding binding, List<Frame> frames)
        {
            var keys = new Keyframe[binding.Count][];
            for (var n = 0; n < keys.Length; n++) keys[n] = new Keyframe[frames.Count];
            for (var i = 0; i < frames.Count; i++)
            {
                binding.Retarget(frames[i].Weights);
                for (var n = 0; n < keys.Length; n++) keys[n][i] = new Keyframe((float)frames[i].Time, binding.Weight(n));
            }
            for (var n = 0; n < keys.Length; n++)
            {
                var curve = EditorCurveBinding.FloatCurve(path, typeof(SkinnedMeshRenderer), "blendShape." + binding.Name(n));
                AnimationUtility.SetEditorCurve(animation, curve, Linear(keys[n]));
            }
        }

        // Straight lines between frames, as the player draws them; splines would overshoot a closed mouth.
        static AnimationCurve Linear(Keyframe[] keys)
        {
            var curve = new AnimationCurve(keys);
            for (var i = 0; i < keys.Length; i++)
            {
                AnimationUtility.SetKeyLeftTangentMode(curve, i, AnimationUtility.TangentMode.Linear);
                AnimationUtility.SetKeyRightTangentMode(curve, i, AnimationUtility.TangentMode.Linear);
            }
            return curve;
        }
    }
}
