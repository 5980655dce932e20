"""Synthetic voices of Flite (Debian `flite`, a BSD-like license), with exact phone times.

Four small American, Indian and Scottish English voices of the CMU Arctic family, each at many
pitches and speaking rates.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import soundfile

from koemorph.errors import DataError

from ...datasets.utterances import UtteranceWriter
from ...phones import SILENCE, Phone, is_known
from . import sentence_generator

VOICES = ("awb", "rms", "slt", "kal16")
_PITCH = {"awb": 120, "rms": 95, "slt": 175, "kal16": 105}
_ARPABET = {"PAU": SILENCE, "AX": "AH", "AXR": "ER", "HV": "HH", "DX": "D", "IX": "IH",
            "EL": "L", "EM": "M", "EN": "N", "NX": "N", "SSIL": SILENCE}  # fmt: skip


def synthesize(text: str, voice: str, pitch: int, stretch: float, wav: Path) -> list[Phone]:
    """Synthesize a sentence.

    Args:
        text: in English.
        voice: one of VOICES.
        pitch: mean in Hz.
        stretch: factor of the duration.
        wav: the file to write.

    Returns:
        Its phones, in seconds.

    Raises:
        DataError: flite is not installed (flite_missing) or fails (flite_failed).
    """
    command = ["flite", "-voice", voice, "-psdur", "--setf", f"int_f0_target_mean={pitch}",
               "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(wav)]  # fmt: skip
    try:
        result = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DataError(
            "flite is not installed. Install the program flite (apt install flite).",
            code="flite_missing",
        ) from error
    except subprocess.CalledProcessError as error:
        raise DataError(
            f"flite failed with voice {voice}: {error.stderr.strip()}. The voices "
            f"{', '.join(VOICES)} are needed.",
            code="flite_failed",
        ) from error
    phones, start = [], 0.0
    for pair in result.stdout.split():
        name, end = pair.split(":")[0].upper(), float(pair.split(":")[1])
        arpabet = _ARPABET.get(name, name)
        phones.append(Phone(arpabet if is_known(arpabet) else SILENCE, start, end))
        start = end
    return phones


def synthesize_hours(
    folder: Path,
    sentences: Sequence[str],
    hours: float,
    on_progress: Callable[[float], None] = lambda seconds: None,
    seed: int = 2,
) -> None:
    """Fill a folder with utterances; those that it has already are kept.

    Args:
        folder: of utterances, see `datasets.utterances`.
        sentences: to speak, beside those of `sentence_generator`.
        hours: of audio.
        on_progress: called with the seconds of each utterance.
        seed: of voices and sentences.

    Raises:
        DataError: flite is not installed (flite_missing) or fails (flite_failed).
        OutputError: a file cannot be written.
    """
    rng, writer, seconds, k = Random(seed), UtteranceWriter(folder), 0.0, 0
    while seconds < hours * 3600:
        voice = VOICES[k % len(VOICES)]
        pitch = round(_PITCH[voice] * rng.uniform(0.8, 1.3))
        stretch = round(rng.uniform(0.85, 1.25), 2)
        text = sentence_generator.english(rng, tuple(sentences))
        name = f"flite_{k:05d}"
        if name not in writer.names:
            with tempfile.TemporaryDirectory() as scratch:
                wav = Path(scratch) / "utterance.wav"
                phones = synthesize(text, voice, pitch, stretch, wav)
                samples, sample_rate = soundfile.read(wav, dtype="float32")
            description = {"voice": f"flite_{voice}", "language": "en", "text": text}
            writer.append(name, phones, samples, sample_rate, **description)
        duration = soundfile.info(folder / "audio" / f"{name}.flac").duration
        seconds += duration
        on_progress(duration)
        k += 1
