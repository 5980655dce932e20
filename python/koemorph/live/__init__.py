"""Live sessions: audio sources, real-time scheduling and status of streams with outputs."""

from koemorph.live.control import ControlServer
from koemorph.live.microphone import MicrophoneSource
from koemorph.live.session import Session, run_sessions
from koemorph.live.sources import PipeSource, QueueSource, RecordingSource, Source

__all__ = [
    "ControlServer",
    "MicrophoneSource",
    "PipeSource",
    "QueueSource",
    "RecordingSource",
    "Session",
    "Source",
    "run_sessions",
]
