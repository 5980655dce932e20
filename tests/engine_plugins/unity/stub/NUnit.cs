// Stub of NUnit with a runner: the package's own tests also run without Unity.
using System;
using System.Linq;
using System.Reflection;

namespace NUnit.Framework
{
    [AttributeUsage(AttributeTargets.Method)]
    public sealed class TestAttribute : Attribute { }

    [AttributeUsage(AttributeTargets.Method, AllowMultiple = true)]
    public sealed class TestCaseAttribute : Attribute
    {
        public readonly object[] Arguments;
        public TestCaseAttribute(params object[] arguments) { Arguments = arguments; }
    }

    public static class Assert
    {
        public static int Count;

        public static void AreEqual(object expected, object actual)
        {
            Check(Equals(expected, actual), expected + " expected, but was " + actual);
        }

        public static void AreEqual(double expected, double actual, double delta)
        {
            Check(Math.Abs(expected - actual) <= delta, expected + " +- " + delta + " expected, but was " + actual);
        }

        public static void GreaterOrEqual(double arg1, double arg2)
        {
            Check(arg1 >= arg2, arg1 + " is not at least " + arg2);
        }

        static void Check(bool ok, string message)
        {
            Count++;
            if (!ok) throw new Exception(message);
        }
    }

    public static class Runner
    {
        /// <summary>Runs every test of an assembly; throws at the first that fails, returns how many ran.</summary>
        public static int Run(Assembly assembly)
        {
            var ran = 0;
            foreach (var type in assembly.GetTypes())
            foreach (var method in type.GetMethods())
            {
                var cases = method.GetCustomAttributes(typeof(TestCaseAttribute), false)
                    .Select(c => ((TestCaseAttribute)c).Arguments).ToList();
                if (method.IsDefined(typeof(TestAttribute), false)) cases.Add(new object[0]);
                foreach (var arguments in cases)
                {
                    method.Invoke(Activator.CreateInstance(type), arguments);
                    ran++;
                }
            }
            return ran;
        }
    }
}
