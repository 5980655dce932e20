"""A locale with a decimal comma does not change numbers or messages."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import tiny_model

from koemorph import Model

GAME = """
import ctypes, ctypes.util, locale, sys
import numpy as np
from koemorph import Model
from koemorph.errors import ModelError
locale.setlocale(locale.LC_ALL, "de_DE.UTF-8")
text = ctypes.create_string_buffer(8)
ctypes.CDLL(ctypes.util.find_library("c")).snprintf(text, 8, b"%g", ctypes.c_double(0.5))
assert text.value == b"0,5", text.value
good, bad, out = sys.argv[1:]
voice = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
np.save(out, Model(good).animate(voice, sample_rate=16000, preset="natural").weights)
try:
    Model(bad)
except ModelError as error:
    print(error)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="uses glibc's locale files")
def test_a_decimal_comma_changes_no_number_and_no_message(
    tmp_path: Path, tiny_models: dict[int, Path], needs_tool: Callable[[str], str]
) -> None:
    locale_folder = tmp_path / "de_DE.UTF-8"
    command = [needs_tool("localedef"), "-i", "de_DE", "-f", "UTF-8", str(locale_folder)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    assert locale_folder.is_dir(), result.stderr
    bad = tiny_model.save(tmp_path / "bad.onnx", 30, tiny_model.metadata(30, mel_scale="0"))
    out = tmp_path / "weights.npy"
    result = subprocess.run(
        [sys.executable, "-c", GAME, str(tiny_models[30]), str(bad), str(out)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"LOCPATH": str(tmp_path)},
    )
    assert "a number from 0.001 to 100." in result.stdout, result.stderr
    voice = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    expected = Model(tiny_models[30]).animate(voice, sample_rate=16000, preset="natural").weights
    np.testing.assert_array_equal(np.load(out), expected)
