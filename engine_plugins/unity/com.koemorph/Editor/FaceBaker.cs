using System;
using System.Collections.Generic;
using KoeMorph.Interop;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>Converts an AudioClip to an AnimationClip. Frame k is at exactly k / fps: no latency.</summary>
    public static class FaceBaker
    {
        /// <summary>One animation frame.</summary>
        public struct Frame
        {
            /// <summary>Seconds from the start of the clip.</summary>
            public double Time;
            /// <summary>52 weights in [0, 1], in the order of KoeMorphFace.Names.</summary>
            public float[] Weights;
        }

        /// <summary>Computes every frame of a clip.</summary>
        /// <param name="model">Null: the bundled model koemorph-30.</param>
        /// <param name="preset">Null: the default controls.</param>
        /// <exception cref="KoeMorphException">The clip returns no samples, or the model cannot be used.</exception>
        public static List<Frame> Frames(AudioClip clip, TextAsset model, KoeMorphPreset preset)
        {
            if (clip.loadState == AudioDataLoadState.Unloaded) clip.LoadAudioData();  // without Preload Audio Data
            if (clip.loadState == AudioDataLoadState.Loading)
                throw new KoeMorphException("AudioClip '" + clip.name + "' is still loading. Try again in a moment.");
            var samples = new float[clip.samples * clip.channels];
            if (!clip.GetData(samples, 0))
                throw new KoeMorphException(
                    "AudioClip '" + clip.name + "' returns no samples. Set its Load Type to Decompress On Load in the import settings.");
            var asset = ModelCache.Resolve(model, ModelCache.DefaultName);
            try
            {
                using (var stream = StreamHandle.Create(ModelCache.Acquire(asset), clip.frequency, clip.channels, false, 0))
                {
                    if (preset != null) stream.SetControls(preset.Controls);
                    return Compute(stream, samples, clip);
                }
            }
            finally
            {
                ModelCache.Release(asset);
            }
        }

        /// <summary>Creates an AnimationClip with one curve per driven blend shape.</summary>
        /// <param name="root">Transform of the Animator; curve paths are relative to it.</param>
        /// <exception cref="KoeMorphException">The clip, model or map cannot be used, or the map drives no blend shape.</exception>
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
            if (curves == 0) throw new KoeMorphException("No blend shape matches: no mesh has a blend shape that the retarget map drives. Set Map Name, Map or Renderers of the face.");
            return animation;
        }

        /// <summary>Bakes and saves NAME.anim beside the audio file; an existing asset keeps its GUID.</summary>
        /// <returns>The asset's path.</returns>
        /// <exception cref="KoeMorphException">As Bake, or the file cannot be saved.</exception>
        public static string BakeToAsset(AudioClip clip, KoeMorphFace face, Transform root)
        {
            var audio = AssetDatabase.GetAssetPath(clip);
            if (audio.Length == 0) throw new KoeMorphException("The clip is not an asset of the project. Use FaceBaker.Bake and save its result.");
            var path = System.IO.Path.ChangeExtension(audio, ".anim").Replace('\\', '/');
            var baked = Bake(clip, face, root);
            var existing = AssetDatabase.LoadAssetAtPath<AnimationClip>(path);
            if (existing == null) Create(baked, path);
            else EditorUtility.CopySerialized(baked, existing);
            AssetDatabase.SaveAssets();
            return path;
        }

        // Installed packages are read-only.
        static void Create(AnimationClip baked, string path)
        {
            try
            {
                AssetDatabase.CreateAsset(baked, path);
            }
            catch (UnityException error)
            {
                throw new KoeMorphException(path + " cannot be saved. Bake a copy of the clip in Assets. " + error.Message, error);
            }
        }

        // A quarter of a second at a time: a stream buffers half a second between push and process.
        static List<Frame> Compute(StreamHandle stream, float[] samples, AudioClip clip)
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

        // Linear interpolation, as at run time; splines would overshoot a closed mouth.
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
