"""Cache of features: a folder of memory-mapped arrays, keyed by audio and settings."""

from __future__ import annotations

import hashlib
import json
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from numpy.typing import NDArray

from koemorph.errors import OutputError
from koemorph.features import FeatureSettings, extract

from .expression import ExpressionBackend

# Raised whenever the native stages change what they compute, so that old caches are not used.
FEATURE_VERSION = 2
PARTS = ("mel", "detail", "expression")
FloatArray = NDArray[np.float32]


@dataclass(frozen=True)
class TrackFeatures:
    """Features of T frames of one track.

    mel: (T, bands); detail: (T, detail_frames, bands); expression: (U + 1, D), the last row zeros;
    expression_index: (T, windows), rows of `expression` (-1, the zeros, before there is an update).
    """

    mel: FloatArray
    detail: FloatArray
    expression: FloatArray
    expression_index: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.mel)


class FeatureCache:
    """Computes features once and maps them into memory afterwards."""

    def __init__(
        self, folder: Path, settings: FeatureSettings, expression: ExpressionBackend
    ) -> None:
        self.folder = folder
        self.settings = settings
        self.expression = expression

    @classmethod
    @contextmanager
    def temporary(
        cls, settings: FeatureSettings, expression: ExpressionBackend
    ) -> Iterator[FeatureCache]:
        """Create a cache that is removed at the end of the block."""
        with TemporaryDirectory(prefix="koemorph-") as folder:
            yield cls(Path(folder), settings, expression)

    def key(self, audio: FloatArray, sample_rate: int) -> str:
        """Return the name of the cache entry: a digest of the samples and of all settings."""
        description = {
            "version": FEATURE_VERSION,
            "sample_rate": sample_rate,
            "settings": asdict(self.settings),
            "expression": self.expression.name,
        }
        digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
        digest.update(np.ascontiguousarray(audio, np.float32).tobytes())
        return digest.hexdigest()[:32]

    def contains(self, name: str) -> bool:
        """Return whether the cache has a complete entry of that name."""
        return _mapped(self.folder / name) is not None

    def load(self, audio: FloatArray, sample_rate: int) -> TrackFeatures:
        """Features of mono audio (n,) at `sample_rate` Hz."""
        entry = self.folder / self.key(audio, sample_rate)
        arrays = _mapped(entry)
        if arrays is None:
            self._compute(entry, audio, sample_rate)
            arrays = _mapped(entry)
        if arrays is None:
            raise OutputError(
                f"Cannot read the features in {entry}: remove this folder.", code="damaged_cache"
            )
        mel, detail, expression = arrays
        index = self.expression.index(len(mel), self.settings)
        # The lookahead of the last frames may reach past the last update.
        return TrackFeatures(mel, detail, expression, np.minimum(index, len(expression) - 2))

    def _compute(self, entry: Path, audio: FloatArray, sample_rate: int) -> None:
        features = extract(audio, sample_rate, self.settings)
        updates = self.expression.compute(audio, sample_rate, self.settings, features)
        no_update = np.zeros((1, updates.shape[1]), np.float32)
        # Written to a temporary folder and renamed: another process may write the same entry.
        temporary = self.folder / f".{secrets.token_hex(8)}.part"
        try:
            temporary.mkdir(parents=True)
            parts = (features.mel, features.detail, np.concatenate([updates, no_update]))
            for name, part in zip(PARTS, parts, strict=True):
                np.save(temporary / f"{name}.npy", part)
            try:
                temporary.replace(entry)
            except OSError:
                if _mapped(entry) is None:
                    shutil.rmtree(entry, ignore_errors=True)
                    temporary.replace(entry)
        except OSError as error:
            raise OutputError(
                f"Cannot write features to {self.folder}: {error.strerror or error}.",
                code="cannot_write",
            ) from error
        finally:
            shutil.rmtree(temporary, ignore_errors=True)


def _mapped(entry: Path) -> list[FloatArray] | None:
    """The PARTS of an entry; None where it is missing or damaged."""
    try:
        return [np.load(entry / f"{name}.npy", mmap_mode="r") for name in PARTS]
    except (EOFError, OSError, ValueError):
        return None
