"""Synthetic voices by Flite (Debian `flite`, a BSD-like licence), with exact phone times.

Five small American, Indian and Scottish English voices of the CMU Arctic family, each read at many
pitches and paces.
"""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import soundfile

from koemorph.errors import DataError

from ...datasets.utterances import Writer
from ...phones import SILENCE, Phone, known
from . import sentence_generator

VOICES = ("awb", "rms", "slt", "kal16")
_PITCH = {"awb": 120, "rms": 95, "slt": 175, "kal16": 105}
_NAMES = {"PAU": SILENCE, "AX": "AH", "AXR": "ER", "HV": "HH", "DX": "D", "IX": "IH",
          "EL": "L", "EM": "M", "EN": "N", "NX": "N", "SSIL": SILENCE}  # fmt: skip


def speak(text: str, voice: str, pitch: int, stretch: float, wav: Path) -> list[Phone]:
    """Write `text` to `wav`; returns its phones. Raises DataError without flite."""
    command = ["flite", "-voice", voice, "-psdur", "--setf", f"int_f0_target_mean={pitch}",
               "--setf", f"duration_stretch={stretch}", "-t", text, "-o", str(wav)]  # fmt: skip
    try:
        said = subprocess.run(command, check=True, capture_output=True, text=True)
    except FileNotFoundError as error:
        raise DataError(
            "the program flite speaks these voices; install it (apt install flite)."
        ) from error
    except subprocess.CalledProcessError as error:
        raise DataError(
            f"flite does not speak with the voice {voice}: {error.stderr.strip()}; it needs the "
            f"voices {', '.join(VOICES)}."
        ) from error
    shown = said.stdout.split()
    phones, start = [], 0.0
    for name, end in ((pair.split(":")[0], float(pair.split(":")[1])) for pair in shown):
        arpabet = _NAMES.get(name.upper(), name.upper())
        phones.append(Phone(arpabet if known(arpabet) else SILENCE, start, end))
        start = end
    return phones


def synthesise(
    folder: Path,
    sentences: Sequence[str],
    hours: float,
    advance: Callable[[float], None] = lambda seconds: None,
    seed: int = 2,
) -> None:
    """Fill `folder` with `hours` of voice, from where it stopped; `advance` hears of progress."""
    random, writer, seconds, k = Random(seed), Writer(folder), 0.0, 0
    while seconds < hours * 3600:
        voice = VOICES[k % len(VOICES)]
        pitch = round(_PITCH[voice] * random.uniform(0.8, 1.3))
        stretch = round(random.uniform(0.85, 1.25), 2)
        text = sentence_generator.english(random, tuple(sentences))
        name = f"flite_{k:05d}"
        if name not in writer.done:
            with tempfile.TemporaryDirectory() as scratch:
                wav = Path(scratch) / "spoken.wav"
                phones = speak(text, voice, pitch, stretch, wav)
                sound, rate = soundfile.read(wav, dtype="float32")
            said = {"voice": f"flite_{voice}", "language": "en", "text": text}
            writer.add(name, phones, sound, rate, **said)
        spoken = soundfile.info(folder / "audio" / f"{name}.flac").duration
        seconds += spoken
        advance(spoken)
        k += 1
