using System;
using System.IO;
using System.Linq;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: a thousand faces come and go beside one that stays, and nothing is left of them.</summary>
    static class LeakTests
    {
        public static void Run(string[] arguments)
        {
            TestScene.UseModel(arguments[0]);
            using (var stays = new TestScene())
            {
                stays.AddFace();
                stays.Source.Play();
                for (var i = 0; i < 50; i++) One();  // what is made once is made now
                var memory = Status("VmRSS:");
                var threads = Status("Threads:");
                for (var i = 0; i < 1000; i++) One();
                Expect.True(Status("Threads:") <= threads, "no thread is left behind");
                var grown = Status("VmRSS:") - memory;
                Expect.True(grown < 4096, "a thousand faces leave nothing; they left " + grown + " KiB");
                Expect.True(ModelCache.InUse == 1, "they all shared one model");
                Expect.NoMessages();
            }
            Expect.True(ModelCache.InUse == 0, "the last face frees the model");
        }

        static void One()
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
