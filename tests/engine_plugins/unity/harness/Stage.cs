using System;
using System.Collections.Generic;
using System.IO;
using System.Linq;
using System.Threading;
using UnityEngine;

namespace KoeMorph.Harness
{
    /// <summary>A head with a voice, a clock that only moves when told to, and the two threads of a game.</summary>
    sealed class Stage : IDisposable
    {
        public const int Block = 1024;

        /// <summary>As a content tool names it: other case, a prefix, short sides.</summary>
        public static string ShapeName(string blendshape)
        {
            var name = char.ToUpperInvariant(blendshape[0]) + blendshape.Substring(1);
            return "blendShape1." + name.Replace("Left", "_L").Replace("Right", "_R");
        }

        static double _wall = 1000;
        // The moment that a thread's game frame is of, while another moves the clock on.
        [ThreadStatic] static double _held;

        int _rate = 48000;
        // Seconds and samples that were fed before, at other rates.
        double _before;
        long _counted;

        public readonly GameObject Head = new GameObject("Head");
        public readonly AudioSource Source;
        public readonly SkinnedMeshRenderer Renderer;
        public KoeMorphFace Face;

        public Stage()
        {
            AudioClock.Source = () => _held > 0 ? _held : Now;
            Source = Head.AddComponent<AudioSource>();
            var mesh = new GameObject("Mesh");
            mesh.transform.parent = Head.transform;
            Renderer = mesh.AddComponent<SkinnedMeshRenderer>();
            Renderer.sharedMesh = new Mesh(100, KoeMorphFace.Names.Select(ShapeName).Concat(new[] { "blendShape1.Scar" }).ToArray());
        }

        public KoeMorphFace AddFace() { return Face = Head.AddComponent<KoeMorphFace>(); }

        public static void UseModel(string path)
        {
            Package(Packaged.Models, path, SharedModel.DefaultName);
            var folder = Environment.GetEnvironmentVariable("KOEMORPH_PACKAGE");
            foreach (var kind in new[] { Packaged.Maps, Packaged.Presets })
                foreach (var file in Directory.GetFiles(Path.Combine(folder, kind), "*.json"))
                    Package(kind, file, Path.GetFileNameWithoutExtension(file));
        }

        /// <summary>Puts a file among the package's resources.</summary>
        public static void Package(string kind, string path, string name)
        {
            Resources.Content["KoeMorph/" + kind + "/" + name] = new TextAsset(File.ReadAllBytes(path)) { name = name };
        }

        /// <summary>Interleaved float32 samples, as the Python side wrote them.</summary>
        public static float[] ReadSamples(string path)
        {
            var bytes = File.ReadAllBytes(path);
            var samples = new float[bytes.Length / 4];
            Buffer.BlockCopy(bytes, 0, samples, 0, bytes.Length);
            return samples;
        }

        public static double Now { get { return Volatile.Read(ref _wall); } }

        public static void Wait(double seconds) { Volatile.Write(ref _wall, _wall + seconds); }

        /// <summary>Lets one game frame pass.</summary>
        public void Tick()
        {
            foreach (var behaviour in Head.GetComponents<MonoBehaviour>()) if (behaviour.enabled) behaviour.Message("Update");
            foreach (var behaviour in Head.GetComponents<MonoBehaviour>()) if (behaviour.enabled) behaviour.Message("LateUpdate");
        }

        /// <summary>A game frame of this moment, once all that had been fed by then is computed; the moment.</summary>
        public double TickSettled()
        {
            var now = _held = Now;
            Settle();
            Tick();
            _held = 0;
            return now;
        }

        /// <summary>Waits, without moving the clock, until the worker has computed all that was fed.</summary>
        public void Settle()
        {
            for (var i = 0; i < 20000; i++)
            {
                var info = Face.Info;
                if (info.Fps == 0) return;
                if (info.Frames > (Fed(info) - info.Latency) * info.Fps) return;
                Thread.Sleep(1);
            }
            throw new Exception("The worker does not keep up with " + Face.Info.PushedSamples + " samples.");
        }

        /// <summary>Samples a second of what is fed from now on; for Settle.</summary>
        public int Rate
        {
            get { return _rate; }
            set
            {
                if (Face != null)
                {
                    _before = Fed(Face.Info);
                    _counted = Face.Info.PushedSamples;
                }
                _rate = value;
            }
        }

        // Seconds of audio.
        double Fed(Interop.StreamInfo info) { return _before + (info.PushedSamples - _counted) / (double)_rate; }

        /// <summary>The weights on the mesh, in [0, 1].</summary>
        public float[] OnMesh()
        {
            return Enumerable.Range(0, 52).Select(i => Renderer.GetBlendShapeWeight(i) / 100).ToArray();
        }

        public bool AtRest { get { return OnMesh().All(weight => weight == 0); } }

        public void Dispose() { UnityEngine.Object.Destroy(Head); }
    }

    /// <summary>What was on the mesh when; written as float64 rows: time, 52 weights.</summary>
    sealed class Record
    {
        readonly List<double> _rows = new List<double>();

        public bool Empty { get { return _rows.Count == 0; } }

        public void Add(Stage stage)
        {
            _rows.Add(stage.Face.PlaybackTime);
            _rows.AddRange(stage.OnMesh().Select(weight => (double)weight));
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
            if (!condition) throw new Exception("Not so: " + what + "\nConsole:\n" + string.Join("\n", Debug.Console.ToArray()));
        }

        /// <summary>The console's only error, holding all the words; then it is cleared.</summary>
        public static void OneError(params string[] words)
        {
            var errors = Debug.Console.Where(line => line.StartsWith("error: KoeMorph: ")).ToArray();
            True(errors.Length == 1, "exactly one error on the console, but " + errors.Length);
            foreach (var word in words) True(errors[0].Contains(word), "the error speaks of '" + word + "'");
            Debug.Console.Clear();
        }

        public static void NoComplaint()
        {
            True(Debug.Console.Count == 0, "nothing on the console");
        }
    }
}
