using NUnit.Framework;

namespace KoeMorph.Tests
{
    public sealed class ShapeNamesTests
    {
        [TestCase("jawOpen")]
        [TestCase("JawOpen")]
        [TestCase("JAW_OPEN")]
        [TestCase("Head.jawOpen")]
        [TestCase("blendShape1.Jaw_Open")]
        [TestCase("A21_Jaw_Open")]
        [TestCase("rig:Face|jaw-open")]
        public void AnyCaseSeparatorAndPrefix(string shape)
        {
            Assert.AreEqual("jawOpen", KoeMorphFace.Names[ShapeNames.Match(shape)]);
        }

        [TestCase("eyeBlinkLeft", "eyeBlinkLeft")]
        [TestCase("eyeBlink_L", "eyeBlinkLeft")]
        [TestCase("Eye_Blink_R", "eyeBlinkRight")]
        [TestCase("blendShape.mouthSmile_R", "mouthSmileRight")]
        [TestCase("jawLeft", "jawLeft")]
        [TestCase("Mouth_L", "mouthLeft")]
        public void Sides(string shape, string coefficient)
        {
            Assert.AreEqual(coefficient, KoeMorphFace.Names[ShapeNames.Match(shape)]);
        }

        [TestCase("")]
        [TestCase("smile")]
        [TestCase("upperjawOpen")]
        [TestCase("jawOpenWide")]
        [TestCase("eyeBlink")]
        public void NoGuessing(string shape)
        {
            Assert.AreEqual(-1, ShapeNames.Match(shape));
        }

        [Test]
        public void NamesAreApplesInTheOrderOfLiveLink()
        {
            Assert.AreEqual(52, KoeMorphFace.Names.Length);
            Assert.AreEqual("eyeBlinkLeft", KoeMorphFace.Names[0]);
            Assert.AreEqual("jawOpen", KoeMorphFace.Names[17]);
            Assert.AreEqual("tongueOut", KoeMorphFace.Names[51]);
        }
    }
}
