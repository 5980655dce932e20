using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>A head with an AudioSource, and a clock that the test advances.</summary>
    sealed class TestScene : IDisposable
    {
        public const int Block = 1024;

        /// <summary>A name as written by content tools: other case, prefix, _L and _R.</summary>
        public static string ShapeName(string blendshape)
        {
            var name = char.ToUpperInvariant(blendshape[0]) + blendshape.Substring(1);
            return "blendShape1." + name.Replace("Left", "_L").Replace("Right", "_R");
        }

        static double _wall = 1000;
        // Fixed time of the current frame of this thread, while another thread advances the clock.
        [ThreadStatic] static double _frameTime;

        int _rate = 48000;
        // Seconds and samples pushed before at other sample rates.
        double _earlierSeconds;
        long _earlierSamples;

        public readonly GameObject Head = new GameObject("Head");
        public readonly AudioSource Source;
        public readonly SkinnedMeshRenderer Renderer;
        public KoeMorphFace Face;

        public TestScene()
        {
            Clock.Source = () => _frameTime > 0 ? _frameTime : Now;
            Source = Head.AddComponent<AudioSource>();
            var mesh = new GameObject("Mesh");
            mesh.transform.parent = Head.transform;
            Renderer = mesh.AddComponent<SkinnedMeshRenderer>();
            Renderer.sharedMesh = new Mesh(100, KoeMorphFace.Names.Select(ShapeName).Concat(new[] { "blendShape1.Scar" }).ToArray());
        }

        public KoeMorphFace AddFace() { return Face = Head.AddComponent<KoeMorphFace>(); }

        public static void UseModel(string path)
        {
            AddBundledAsset(BundledAssets.Models, path, ModelCache.DefaultName);
            var folder = Environment.GetEnvironmentVariable("KOEMORPH_PACKAGE");
            foreach (var kind in new[] { BundledAssets.Maps, BundledAssets.Presets })
                foreach (var file in Directory.GetFiles(Path.Combine(folder, kind), "*.json"))
                    AddBundledAsset(kind, file, Path.GetFileNameWithoutExtension(file));
        }

        /// <summary>Adds a file to the package's resources.</summary>
        public static void AddBundledAsset(string kind, string path, string name)
        {
            Resources.Content["KoeMorph/" + kind + "/" + name] = new TextAsset(File.ReadAllBytes(path)) { name = name };
        }

        /// <summary>Interleaved float32 samples from a file that the Python test wrote.</summary>
        public static float[] ReadSamples(string path)
        {
            var bytes = File.ReadAllBytes(path);
            var samples = new float[bytes.Length / 4];
            Buffer.BlockCopy(bytes, 0, samples, 0, bytes.Length);
            return samples;
        }

        public static double Now { get { return Volatile.Read(ref _wall); } }

        public static void Wait(double seconds) { Volatile.Write(ref _wall, _wall + seconds); }

        /// <summary>One frame of the game.</summary>
        public void Tick()
        {
            foreach (var behaviour in Head.GetComponents<MonoBehaviour>()) if (behaviour.enabled) behaviour.Message("Update");
            foreach (var behaviour in Head.GetComponents<MonoBehaviour>()) if (behaviour.enabled) behaviour.Message("LateUpdate");
        }

        /// <summary>One frame of the game, after all pushed audio is processed; returns its time.</summary>
        public double TickSettled()
        {
            var now = _frameTime = Now;
            Settle();
            Tick();
            _frameTime = 0;
            return now;
        }

        /// <summary>Waits until the worker has processed all pushed audio; does not advance the clock.</summary>
        public void Settle()
        {
            for (var i = 0; i < 20000; i++)
            {
                var info = Face.Info;
                if (info.Fps == 0) return;
                if (info.FrameCount > (PushedSeconds(info) - info.Latency) * info.Fps) return;
                Thread.Sleep(1);
            }
            throw new Exception("The worker did not process " + Face.Info.PushedSamples + " samples.");
        }

        /// <summary>Sample rate of the audio pushed from now on; for Settle.</summary>
        public int Rate
        {
            get { return _rate; }
            set
            {
                if (Face != null)
                {
                    _earlierSeconds = PushedSeconds(Face.Info);
                    _earlierSamples = Face.Info.PushedSamples;
                }
                _rate = value;
            }
        }

        
        double PushedSeconds(Interop.StreamInfo info) { return _earlierSeconds + (info.PushedSamples - _earlierSamples) / (double)_rate; }

        /// <summary>The weights on the mesh, in [0, 1].</summary>
        public float[] OnMesh()
        {
            return Enumerable.Range(0, 52).Select(i => Renderer.GetBlendShapeWeight(i) / 100).ToArray();
        }

        public bool AtRest { get { return OnMesh().All(weight => weight == 0); } }

        public void Dispose() { UnityEngine.Object.Destroy(Head); }
    }

    /// <summary>Recorded weights of the mesh; saved as float64 rows: time, 52 weights.</summary>
    sealed class Record
    {
        readonly List<double> _rows = new List<double>();

        public bool Empty { get { return _rows.Count == 0; } }

        public void Add(TestScene scene)
        {
            _rows.Add(scene.Face.PlaybackTime);
            _rows.AddRange(scene.OnMesh().Select(weight => (double)weight));
        }

        public void Save(string path)
        {
            var bytes = new byte[_rows.Count * 8];
            Buffer.BlockCopy(_rows.ToArray(), 0, bytes, 0, bytes.Length);
            File.WriteAllBytes(path, bytes);
        }
    }

    static class Expect
    {
        public static void True(bool condition, string what)
        {
            if (!condition) throw new Exception("Failed: " + what + "\nConsole:\n" + string.Join("\n", Debug.Console.ToArray()));
        }

        /// <summary>The console has exactly one error, which contains all the words; clears the console.</summary>
        public static void OneError(params string[] words)
        {
            var errors = Debug.Console.Where(line => line.StartsWith("error: KoeMorph: ")).ToArray();
            True(errors.Length == 1, "exactly one error on the console, found " + errors.Length);
            foreach (var word in words) True(errors[0].Contains(word), "the error contains '" + word + "'");
            Debug.Console.Clear();
        }

        /// <summary>The console has exactly this one warning, which contains the text; clears the console.</summary>
        public static void OneWarning(string text)
        {
            True(Debug.Console.Count == 1 && Debug.Console[0].StartsWith("warning: KoeMorph: "), "exactly one warning on the console");
            True(Debug.Console[0].Contains(text), "the warning contains '" + text + "'");
            Debug.Console.Clear();
        }

        public static void NoMessages()
        {
            True(Debug.Console.Count == 0, "the console is empty");
        }
    }
}
