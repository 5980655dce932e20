using System;
using System.Linq;
using UnityEditor;
using UnityEngine;

namespace KoeMorph.Editor
{
    /// <summary>The settings; in play mode also live curves and the matched blend shapes.</summary>
    [CustomEditor(typeof(KoeMorphFace))]
    [CanEditMultipleObjects]
    sealed class KoeMorphFaceEditor : UnityEditor.Editor
    {
        const int History = 150;
        const float GraphHeight = 80;

        static readonly string[] Plotted = { "jawOpen", "mouthClose", "mouthPucker", "mouthSmileLeft", "browInnerUp", "eyeBlinkLeft" };
        static readonly Color[] Colors = { Color.red, Color.green, Color.cyan, Color.yellow, Color.magenta, Color.white };

        readonly Vector3[] _line = new Vector3[History];
        readonly float[,] _history = new float[6, History];
        int _next;
        double _recordedTime;
        bool _showWeights, _showMatches;

        public override bool RequiresConstantRepaint() { return Application.isPlaying; }

        public override void OnInspectorGUI()
        {
            DrawDefaultInspector();
            if (targets.Length > 1 || !Application.isPlaying) return;
            var face = (KoeMorphFace)target;
            EditorGUILayout.Space();
            if (face.Error.Length > 0)
            {
                EditorGUILayout.HelpBox(face.Error, MessageType.Error);
                return;
            }
            DrawGraph(face);
            DrawStream(face);
            DrawWeights(face);
            DrawMatches(face);
        }

        void DrawGraph(KoeMorphFace face)
        {
            Record(face);
            var area = GUILayoutUtility.GetRect(10, GraphHeight);
            EditorGUI.DrawRect(area, new Color(0.1f, 0.1f, 0.1f));
            for (var row = 0; row < Plotted.Length; row++)
            {
                for (var i = 0; i < History; i++)
                    _line[i] = new Vector3(area.x + area.width * i / (History - 1),
                                           area.yMax - area.height * _history[row, (_next + i) % History], 0);
                Handles.color = Colors[row];
                Handles.DrawAAPolyLine(2, _line);
                EditorGUI.LabelField(new Rect(area.x + 4, area.y + 12 * row, 120, 14), Plotted[row], Legend(row));
            }
        }

        void Record(KoeMorphFace face)
        {
            if (Event.current.type != EventType.Repaint || face.PlaybackTime.Equals(_recordedTime)) return;
            _recordedTime = face.PlaybackTime;
            for (var row = 0; row < Plotted.Length; row++)
                _history[row, _next] = face.Weights[Array.IndexOf(KoeMorphFace.Names, Plotted[row])];
            _next = (_next + 1) % History;
        }

        static GUIStyle Legend(int row)
        {
            var style = new GUIStyle(EditorStyles.miniLabel);
            style.normal.textColor = Colors[row];
            return style;
        }

        static void DrawStream(KoeMorphFace face)
        {
            var info = face.Info;
            EditorGUILayout.LabelField("Stream", string.Format(
                "{0:F1} s, {1} frames at {2} fps, latency {3:F0} ms, {4} samples dropped",
                face.PlaybackTime, info.FrameCount, info.Fps, info.Latency * 1000, info.DroppedSamples));
        }

        void DrawWeights(KoeMorphFace face)
        {
            _showWeights = EditorGUILayout.Foldout(_showWeights, "Weights");
            if (!_showWeights) return;
            for (var i = 0; i < face.Weights.Length; i++)
                EditorGUI.ProgressBar(GUILayoutUtility.GetRect(10, 14), face.Weights[i], KoeMorphFace.Names[i]);
        }

        void DrawMatches(KoeMorphFace face)
        {
            var matched = face.MatchedShapes().ToArray();
            var unmatched = face.UnmatchedShapes().ToArray();
            var title = "Matched shapes: " + matched.Length + " of " + (matched.Length + unmatched.Length);
            _showMatches = EditorGUILayout.Foldout(_showMatches, title);
            if (!_showMatches) return;
            foreach (var shape in matched) EditorGUILayout.LabelField(shape, "");
            if (unmatched.Length > 0)
                EditorGUILayout.HelpBox("Not driven: " + string.Join(", ", unmatched), MessageType.None);
        }
    }
}
