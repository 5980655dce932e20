"""Live sessions: audio sources, real-time scheduling and status of a stream with outputs."""
