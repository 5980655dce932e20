using System;
using System.Threading;

namespace KoeMorph.Harness
{
    /// <summary>MODEL: reloads the script domain three times while a face is animated.</summary>
    static class DomainReloadTests
    {
        sealed class Game : MarshalByRefObject
        {
            TestScene _stage;

            public void Start(string model)
            {
                TestScene.UseModel(model);
                _stage = new TestScene();
                _stage.AddFace();
                _stage.Source.Play();
                var audio = new Thread(Mix) { IsBackground = true };
                audio.Start();
            }

            public long Frames()
            {
                for (var i = 0; i < 5000 && _stage.Face.Info.FrameCount < 3; i++) Thread.Sleep(1);
                _stage.Tick();
                Expect.NoMessages();
                return _stage.Face.Info.FrameCount;
            }

            void Mix()
            {
                var block = new float[TestScene.Block * 2];
                while (true)
                {
                    _stage.Source.Mix(block, 2);
                    TestScene.Wait(TestScene.Block / 48000.0);
                    Thread.Sleep(2);
                }
            }
        }

        public static void Run(string[] arguments)
        {
            for (var time = 0; time < 3; time++)
            {
                var domain = AppDomain.CreateDomain("scripts", null, new AppDomainSetup { ApplicationBase = AppDomain.CurrentDomain.BaseDirectory });
                var type = typeof(Game);
                var game = (Game)domain.CreateInstanceAndUnwrap(type.Assembly.FullName, type.FullName);
                game.Start(arguments[0]);
                Expect.True(game.Frames() >= 3, "frames are computed");
                AppDomain.Unload(domain);
            }
        }
    }
}
