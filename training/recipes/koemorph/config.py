"""Sources and settings of the recipe of the bundled models.

Sources:
    grid: speaker s1 of the GRID corpus, captured by MediaPipe. CC BY 4.0, by hand from
        doi.org/10.5281/zenodo.3625687. DATA/grid_s1, as in `datasets.grid`, with phones.jsonl as of
        kathleen (`koemorph dataset align DATA/grid_s1/audio DATA/grid_s1/phones.jsonl --grid`).
    facegood: one Mandarin voice, artist-solved rig. MIT, by hand from
        github.com/FACEGOOD/FACEGOOD-Audio2Face. DATA/facegood, as in `datasets.facegood`.
    kathleen: 82 min of one US voice, phones by pocketsphinx. CC0, by hand from
        github.com/rhasspy/dataset-voice-kathleen. DATA/kathleen: audio/NAME.ogg and phones.jsonl of
        lines {"name": ..., "text": ..., "phones": [["HH", 0.1, 0.17], ...]}, in seconds, as
        `koemorph dataset align` writes them.
    kokoro: 54 voices and mixtures; English, Japanese, Mandarin. Apache-2.0, PyPI and npm, see
        `kokoro`.
    flite: four small English voices, exact phone times. BSD-like, Debian `flite`.
    non_speech: silence, breath, noise, typing, music, with a face at rest. Synthesized, see
        `synthetic_sounds`.
    librivox: five clips of one reader, for evaluation only. Public domain; DATA/librivox, as in
        `datasets.librivox`.
    kathleen-lively, kokoro-lively: the first take of these again, with an exaggerated face
        (`face_rules.LIVELY`).

Debian's asterisk-core-sounds are real professional voices, but CC BY-SA: whether a model is an
adaptation under that licence (share-alike) is unclear, so they are not used.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

SOURCES = ("kathleen", "kokoro", "flite", "grid", "facegood", "non_speech", "librivox")
# Sources of their own, because a source has one speaking style.
LIVELY_SOURCES = {"kathleen-lively": "kathleen", "kokoro-lively": "kokoro"}
ALL_SOURCES = (*SOURCES, *LIVELY_SOURCES)
WITHOUT_TEACHER = ("facegood", "non_speech")  # their faces are not made by the teacher
CAPTURES = ("grid", "facegood")  # that can train the teacher
LICENSES = {
    "kathleen": "CC0-1.0", "kokoro": "Apache-2.0", "flite": "BSD-like (CMU Flite)",
    "grid": "CC-BY-4.0", "facegood": "MIT", "non_speech": "MIT", "librivox": "public domain",
}  # fmt: skip
OnProgress = Callable[[float], None]


@dataclass(frozen=True)
class BuildConfig:
    """Folders and amounts of a build.

    Attributes:
        data: folder with grid_s1, facegood, kathleen and librivox.
        work: folder for synthetic voices and the teacher.
        out: folder for the recordings.
        takes: how often an utterance is used, each time with another augmentation.
        non_speech_sessions: minutes without speech.
        facegood_takes: how often a clip of FACEGOOD is used.
        seed: of sessions and augmentation.
        captures: the data sets that train the teacher.
    """

    data: Path
    work: Path
    out: Path
    takes: int = 2
    non_speech_sessions: int = 30
    facegood_takes: int = 6
    seed: int = 7
    captures: tuple[str, ...] = CAPTURES
