using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;
using System.Reflection.Emit;
using System.Runtime.InteropServices;

namespace KoeMorph.Harness
{
    /// <summary>The assembly contains nothing that IL2CPP cannot translate ahead of time or that stripping removes.</summary>
    static class Il2CppTests
    {
        const BindingFlags All = BindingFlags.Instance | BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

        static readonly Dictionary<short, OpCode> Codes = typeof(OpCodes).GetFields()
            .Select(field => (OpCode)field.GetValue(null)).ToDictionary(code => code.Value);

        public static void Run(string[] arguments)
        {
            var assembly = typeof(KoeMorphFace).Assembly;
            Expect.True(Problem(typeof(Il2CppTests).GetMethod("Reflects", All)) != null, "the check detects reflection");
            Expect.True(Problem(typeof(Il2CppTests).GetMethod("CallsGenericVirtual", All)) != null, "the check detects generic virtual calls");
            var natives = 0;
            foreach (var type in assembly.GetTypes())
            {
                foreach (var method in type.GetMethods(All).Cast<MethodBase>().Concat(type.GetConstructors(All)))
                {
                    var problem = Problem(method);
                    Expect.True(problem == null, type + "." + method.Name + " calls " + problem);
                    if ((method.Attributes & MethodAttributes.PinvokeImpl) == 0) continue;
                    natives++;
                    CheckNative((MethodInfo)method);
                }
                if (typeof(SafeHandle).IsAssignableFrom(type))
                    Expect.True(type.GetConstructor(All, null, Type.EmptyTypes, null).IsDefined(typeof(UnityEngine.Scripting.PreserveAttribute)),
                                type + "'s constructor has the Preserve attribute");
            }
            Expect.True(natives > 20, "native functions were checked");
        }

        // No managed callbacks, and only types whose marshaling is known ahead of time.
        static void CheckNative(MethodInfo method)
        {
            foreach (var type in method.GetParameters().Select(parameter => parameter.ParameterType).Concat(new[] { method.ReturnType }))
            {
                var bare = type.HasElementType ? type.GetElementType() : type;
                var plain = bare.IsPrimitive || bare.IsEnum || bare == typeof(void) || typeof(SafeHandle).IsAssignableFrom(bare) || bare.IsLayoutSequential;
                Expect.True(plain && !bare.IsGenericType && !typeof(Delegate).IsAssignableFrom(bare), method.Name + " passes " + type);
            }
        }

        /// <summary>The first call of a method that IL2CPP cannot translate, or null.</summary>
        static string Problem(MethodBase method)
        {
            var body = method.GetMethodBody();
            if (body == null) return null;
            foreach (var called in Calls(method, body.GetILAsByteArray()))
            {
                var home = called.DeclaringType == null ? "" : called.DeclaringType.FullName ?? "";
                if (called.IsVirtual && called.IsGenericMethod) return "the generic virtual " + called.Name;
                if (home.StartsWith("System.Reflection") || home.StartsWith("System.Linq") || home.StartsWith("System.Activator"))
                    return home + "." + called.Name;
                if (called.DeclaringType == typeof(Marshal) && called.Name.Contains("Delegate")) return home + "." + called.Name;
            }
            return null;
        }

        static IEnumerable<MethodBase> Calls(MethodBase method, byte[] il)
        {
            for (var at = 0; at < il.Length;)
            {
                short value = il[at++];
                if (value == 0xFE) value = (short)(0xFE00 | il[at++]);
                var code = Codes[value];
                if (code.OperandType == OperandType.InlineMethod)
                {
                    var generics = method.IsGenericMethod ? method.GetGenericArguments() : null;
                    var home = method.DeclaringType.IsGenericType ? method.DeclaringType.GetGenericArguments() : null;
                    yield return method.Module.ResolveMethod(BitConverter.ToInt32(il, at), home, generics);
                }
                at += Size(code.OperandType, il, at);
            }
        }

        static int Size(OperandType operand, byte[] il, int at)
        {
            switch (operand)
            {
                case OperandType.InlineNone: return 0;
                case OperandType.ShortInlineBrTarget:
                case OperandType.ShortInlineI:
                case OperandType.ShortInlineVar: return 1;
                case OperandType.InlineVar: return 2;
                case OperandType.InlineI8:
                case OperandType.InlineR: return 8;
                case OperandType.InlineSwitch: return 4 + 4 * BitConverter.ToInt32(il, at);
                default: return 4;
            }
        }

        abstract class Virtual
        {
            public abstract void Call<T>(T value);
        }

        static void CallsGenericVirtual(Virtual target) { target.Call(1); }

        static object Reflects(Type type) { return type.GetMethods().First().Invoke(null, null); }
    }
}
