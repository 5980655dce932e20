using System;
using NUnit.Framework;

namespace KoeMorph.Tests
{
    public sealed class AudioClockTests
    {
        const double Block = 1024 / 48000.0;

        [Test]
        public void BurstsOfBlocksDoNotChangeThePace()
        {
            var clock = new AudioClock();
            var last = 0.0;
            var blocks = 0;
            for (var frame = 0; frame < 600; frame++)
            {
                var wall = 100 + frame / 60.0;
                // Four blocks at once, as from a mixer with four buffers.
                while (blocks * Block < wall - 100 + 0.02) for (var i = 0; i < 4; i++) clock.Anchor(++blocks * Block, wall);
                var time = clock.Time(wall, 0.1);
                if (frame > 120) Assert.AreEqual(1 / 60.0, time - last, 0.003);
                last = time;
            }
        }

        [Test]
        public void ADriftingDeviceIsFollowed()
        {
            var clock = new AudioClock();
            var time = 0.0;
            const double fast = 1.002;  // 2 ms per second: 120 ms in a minute
            for (var frame = 0; frame < 3600; frame++)
            {
                var wall = 100 + frame / 60.0;
                clock.Anchor((wall - 100) * fast, wall);
                time = clock.Time(wall, 0);
            }
            Assert.AreEqual(3599 / 60.0 * fast, time, 0.005);
        }

        [Test]
        public void TimeNeverDecreasesExceptForLargeErrors()
        {
            var clock = new AudioClock();
            var random = new Random(7);
            var last = double.NegativeInfinity;
            for (var frame = 0; frame < 1000; frame++)
            {
                var wall = 100 + frame / 60.0;
                clock.Anchor(wall - 100 + random.NextDouble() * 0.1, wall);
                var time = clock.Time(wall, 0);
                Assert.GreaterOrEqual(time, last);
                last = time;
            }
            clock.Anchor(1, 120);
            Assert.AreEqual(1, clock.Time(120, 0), 1e-9);
        }
    }
}
