using System;
using System.IO;
using System.Linq;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: creates and destroys a thousand faces beside a permanent one, and checks memory and threads.</summary>
    static class LeakTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            using (var permanent = new TestScene())
            {
                permanent.AddFace();
                permanent.Source.Play();
                for (var i = 0; i < 50; i++) CreateAndDestroy();  // one-time allocations
                var memory = Status("VmRSS:");
                var threads = Status("Threads:");
                for (var i = 0; i < 1000; i++) CreateAndDestroy();
                Expect.True(Status("Threads:") <= threads, "the number of threads does not grow");
                var grown = Status("VmRSS:") - memory;
                Expect.True(grown < 4096, "memory does not grow, grew by " + grown + " KiB");
                Expect.True(ModelCache.InUse == 1, "the faces share one model");
                Expect.NoMessages();
            }
            Expect.True(ModelCache.InUse == 0, "no face uses a model");
        }

        static void CreateAndDestroy()
        {
            var block = new float[TestScene.Block * 2];
            using (var scene = new TestScene())
            {
                scene.AddFace();
                scene.Source.Mix(block, 2);
                scene.Tick();
            }
        }

        static long Status(string key)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
            var line = File.ReadAllLines("/proc/self/status").First(l => l.StartsWith(key));
            return long.Parse(line.Substring(key.Length).Replace("kB", "").Trim());
        }
    }
}
