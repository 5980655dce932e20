"""Data sets: recordings on disk, readers of published data sets, and converters."""
