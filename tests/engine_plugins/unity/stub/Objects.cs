// Stub of Unity's object model: the members that com.koemorph uses. As in Unity, destroyed objects compare equal to
// null, messages are methods found by name, and components belong to game objects.
using System;
using System.Collections.Generic;
using System.Linq;
using System.Reflection;

namespace UnityEngine
{
    [Flags]
    public enum HideFlags { None = 0, HideInHierarchy = 1, HideInInspector = 2, DontSave = 52, HideAndDontSave = 61 }

    public class Object
    {
        internal bool Destroyed;
        public string name { get; set; }
        public HideFlags hideFlags { get; set; }

        public Object() { name = ""; }

        public static void Destroy(Object target) { DestroyImmediate(target); }

        public static void DestroyImmediate(Object target)
        {
            if (ReferenceEquals(target, null) || target.Destroyed) return;
            target.OnDestroyed();
            target.Destroyed = true;
        }

        internal virtual void OnDestroyed() { }

        static bool Same(Object a, Object b)
        {
            var aGone = ReferenceEquals(a, null) || a.Destroyed;
            var bGone = ReferenceEquals(b, null) || b.Destroyed;
            return aGone || bGone ? aGone && bGone : ReferenceEquals(a, b);
        }

        public static bool operator ==(Object a, Object b) { return Same(a, b); }
        public static bool operator !=(Object a, Object b) { return !Same(a, b); }
        public static implicit operator bool(Object target) { return !Same(target, null); }
        public override bool Equals(object other) { return Same(this, other as Object); }
        public override int GetHashCode() { return System.Runtime.CompilerServices.RuntimeHelpers.GetHashCode(this); }
    }

    public class Component : Object
    {
        public GameObject gameObject { get; internal set; }
        public Transform transform { get { return gameObject.transform; } }
        public new string name { get { return gameObject.name; } set { gameObject.name = value; } }

        public T GetComponent<T>() where T : Component { return gameObject.GetComponent<T>(); }
        public T[] GetComponentsInChildren<T>(bool includeInactive) where T : Component
        {
            return gameObject.GetComponentsInChildren<T>(includeInactive);
        }
    }

    public class Transform : Component
    {
        internal readonly List<Transform> Children = new List<Transform>();
        Transform _parent;

        public Transform parent
        {
            get { return _parent; }
            set
            {
                if (_parent != null) _parent.Children.Remove(this);
                _parent = value;
                if (value != null) value.Children.Add(this);
            }
        }
    }

    public class Behaviour : Component
    {
        bool _enabled = true;

        public bool enabled
        {
            get { return _enabled; }
            set
            {
                if (_enabled == value) return;
                _enabled = value;
                Message(value ? "OnEnable" : "OnDisable");
            }
        }

        public bool isActiveAndEnabled { get { return !Destroyed && _enabled && gameObject != null; } }

        internal override void OnDestroyed()
        {
            enabled = false;
            gameObject.Remove(this);
        }

        /// <summary>Calls a Unity message if the component has it.</summary>
        public void Message(string method, params object[] arguments)
        {
            const BindingFlags flags = BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic;
            var info = GetType().GetMethod(method, flags);
            if (info == null) return;
            try
            {
                info.Invoke(this, arguments);
            }
            catch (TargetInvocationException error)
            {
                System.Runtime.ExceptionServices.ExceptionDispatchInfo.Capture(error.InnerException).Throw();
            }
        }
    }

    public class MonoBehaviour : Behaviour { }

    public class ScriptableObject : Object
    {
        public static T CreateInstance<T>() where T : ScriptableObject, new() { return new T(); }
    }

    public class GameObject : Object
    {
        readonly List<Component> _components = new List<Component>();

        public GameObject() : this("") { }
        public GameObject(string name)
        {
            this.name = name;
            transform = AddComponent<Transform>();
        }

        public Transform transform { get; private set; }

        public T AddComponent<T>() where T : Component
        {
            foreach (RequireComponent need in typeof(T).GetCustomAttributes(typeof(RequireComponent), true))
                if (!_components.Any(need.Type.IsInstanceOfType)) Add((Component)Activator.CreateInstance(need.Type));
            return (T)Add((Component)Activator.CreateInstance(typeof(T)));
        }

        public T GetComponent<T>() where T : Component { return _components.OfType<T>().FirstOrDefault(); }
        public T[] GetComponents<T>() where T : Component { return _components.OfType<T>().ToArray(); }

        public T[] GetComponentsInChildren<T>(bool includeInactive) where T : Component
        {
            return _components.OfType<T>()
                .Concat(transform.Children.SelectMany(child => child.gameObject.GetComponentsInChildren<T>(includeInactive)))
                .ToArray();
        }

        internal void Remove(Component component) { _components.Remove(component); }

        internal override void OnDestroyed()
        {
            foreach (var child in transform.Children.ToArray()) DestroyImmediate(child.gameObject);
            foreach (var component in _components.ToArray()) DestroyImmediate(component);
        }

        Component Add(Component component)
        {
            component.gameObject = this;
            _components.Add(component);
            var behaviour = component as Behaviour;
            if (behaviour != null) behaviour.Message("OnEnable");
            return component;
        }
    }

    public class TextAsset : Object
    {
        public TextAsset() { bytes = new byte[0]; }
        public TextAsset(byte[] content) { bytes = content; }
        public byte[] bytes { get; private set; }
        public string text { get { return System.Text.Encoding.UTF8.GetString(bytes); } }
    }

    public static class Resources
    {
        /// <summary>Stub only: content of the project's Resources folders.</summary>
        public static readonly Dictionary<string, Object> Content = new Dictionary<string, Object>();

        public static T Load<T>(string path) where T : Object
        {
            Object found;
            return Content.TryGetValue(path, out found) ? (T)found : null;
        }

        public static T[] LoadAll<T>(string path) where T : Object
        {
            return Content.Where(entry => entry.Key.StartsWith(path + "/")).Select(entry => (T)entry.Value).ToArray();
        }
    }

    public static class Mathf
    {
        public static float Max(float a, float b) { return Math.Max(a, b); }
        public static int Clamp(int value, int min, int max) { return Math.Min(Math.Max(value, min), max); }
    }

    public static class Debug
    {
        /// <summary>Stub only: lines of the console.</summary>
        public static readonly List<string> Console = new List<string>();

        public static void Log(object message) { Console.Add("log: " + message); }
        public static void LogWarning(object message, Object context) { Console.Add("warning: " + message); }
        public static void LogError(object message, Object context) { Console.Add("error: " + message); }
    }

    public class UnityException : SystemException
    {
        public UnityException(string message) : base(message) { }
    }

    public static class Application
    {
        public static bool isPlaying = true;
        public delegate void LowMemoryCallback();
        public static event LowMemoryCallback lowMemory;

        /// <summary>Stub only: the system reports low memory.</summary>
        public static void RaiseLowMemory() { if (lowMemory != null) lowMemory(); }

    }

    public enum RuntimeInitializeLoadType { AfterSceneLoad, BeforeSceneLoad, AfterAssembliesLoaded, BeforeSplashScreen, SubsystemRegistration }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class RuntimeInitializeOnLoadMethodAttribute : Attribute
    {
        public RuntimeInitializeOnLoadMethodAttribute(RuntimeInitializeLoadType loadType) { }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class SerializeField : Attribute { }

    [AttributeUsage(AttributeTargets.Field)]
    public class PropertyAttribute : Attribute { }

    public sealed class TooltipAttribute : PropertyAttribute
    {
        public TooltipAttribute(string tooltip) { }
    }

    public sealed class RangeAttribute : PropertyAttribute
    {
        public RangeAttribute(float min, float max) { }
    }

    public sealed class HeaderAttribute : PropertyAttribute
    {
        public HeaderAttribute(string header) { }
    }

    [AttributeUsage(AttributeTargets.Field)]
    public sealed class HideInInspector : Attribute { }

    [AttributeUsage(AttributeTargets.Method)]
    public sealed class ContextMenu : Attribute
    {
        public ContextMenu(string itemName) { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class AddComponentMenu : Attribute
    {
        public AddComponentMenu(string menuName) { }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class DisallowMultipleComponent : Attribute { }

    [AttributeUsage(AttributeTargets.Class, AllowMultiple = true)]
    public sealed class RequireComponent : Attribute
    {
        internal readonly Type Type;
        public RequireComponent(Type requiredComponent) { Type = requiredComponent; }
    }

    [AttributeUsage(AttributeTargets.Class)]
    public sealed class CreateAssetMenuAttribute : Attribute
    {
        public string fileName { get; set; }
        public string menuName { get; set; }
        public int order { get; set; }
    }
}

namespace UnityEngine.Scripting
{
    [AttributeUsage(AttributeTargets.Constructor)]
    public sealed class PreserveAttribute : Attribute { }
}

namespace UnityEngine.Events
{
    [Serializable]
    public class UnityEvent
    {
        readonly List<Action> _listeners = new List<Action>();
        public void AddListener(UnityAction call) { _listeners.Add(() => call()); }
        public void Invoke() { foreach (var listener in _listeners.ToArray()) listener(); }
    }

    public delegate void UnityAction();
}
