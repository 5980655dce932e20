using KoeMorph.Interop;
using NUnit.Framework;

namespace KoeMorph.Tests
{
    public sealed class BlendshapesTests
    {
        [Test]
        public void NamesHaveTheOrderOfLiveLink()
        {
            Assert.AreEqual(52, KoeMorphFace.Names.Length);
            Assert.AreEqual("eyeBlinkLeft", KoeMorphFace.Names[0]);
            Assert.AreEqual("jawOpen", KoeMorphFace.Names[17]);
            Assert.AreEqual("tongueOut", KoeMorphFace.Names[51]);
        }

        // The first and last field of each part, to detect a wrong layout.
        [Test]
        public void ControlsHaveTheLayoutOfTheLibrary()
        {
            var controls = Controls.Default();
            Assert.AreEqual(System.Runtime.InteropServices.Marshal.SizeOf(controls), (int)controls.Size);
            Assert.AreEqual(1, controls.InputStrength, 0);
            Assert.AreEqual(0.2, controls.TransitionSeconds, 1e-6);
            foreach (var multiplier in controls.Multiplier) Assert.AreEqual(1, multiplier, 0);
            foreach (var maximum in controls.Maximum) Assert.AreEqual(1, maximum, 0);
            foreach (var active in controls.Active) Assert.AreEqual(1, active, 0);
            Assert.AreEqual(1, controls.Blink, 0);
            Assert.AreEqual(20, controls.BlinksPerMinute, 0);
        }
    }
}
