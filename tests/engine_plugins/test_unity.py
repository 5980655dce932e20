"""The Unity package without Unity: compiled by Mono against a stub, played by real threads."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from engine_game import Devices, Voice, run

from koemorph import _native
from koemorph.model import bundled_model


def recorded(
    unity_game: list[str], check: str, voice: Voice, libraries: Path, folder: Path
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Times (n,) and weights on the mesh (n, 52) that one of the program's players recorded."""
    out = folder / f"{check}.f64"
    arguments = [voice.file, str(voice.sample_rate), str(voice.channels), voice.model, out]
    run([*unity_game, check, *arguments], libraries)
    rows = np.fromfile(out).reshape(-1, 53)
    rows = rows[rows[:, 0] <= voice.last_frame]  # beyond, the voice is over and silence follows
    return rows[:, 0], rows[:, 1:]


# How many moments each player shows at least. The microphone hears three seconds, drifts, goes
# away and comes back.
FEWEST = {"play": 30, "clip": 300, "manual": 300, "microphone": 150, "bake": 180}


@pytest.mark.parametrize("player", FEWEST)
def test_the_mesh_shows_the_face_of_the_voice(
    unity_game: list[str], game_folder: Path, voice: Voice, tmp_path: Path, player: str
) -> None:
    times, weights = recorded(unity_game, player, voice, game_folder, tmp_path)
    assert len(times) >= FEWEST[player]
    np.testing.assert_allclose(weights, voice.faces(times), atol=1e-3)


# How a game learns of another device, and the seconds of its sound that pass by meanwhile.
@pytest.mark.parametrize(("how", "unheard"), [("told", 0), ("untold", 0.02), ("manual", 0)])
def test_the_voice_goes_on_with_another_device(
    unity_game: list[str],
    game_folder: Path,
    devices: Devices,
    tmp_path: Path,
    how: str,
    unheard: float,
) -> None:
    out = tmp_path / "rows.f64"
    run([*unity_game, "format-change", how, devices.model, out, *devices.sounds], game_folder)
    devices.check(np.fromfile(out).reshape(-1, 53), unheard)


def test_the_packages_own_tests_pass(unity_game: list[str], game_folder: Path) -> None:
    result = run([*unity_game, "units"], game_folder)
    assert re.fullmatch(r"[1-9]\d* tests, [1-9]\d* assertions\n", result.stdout)


@pytest.mark.parametrize("check", ["leaks", "errors", "reload", "speech-state"])
def test_faces_come_and_go_and_break_cleanly(
    unity_game: list[str], game_folder: Path, voice: Voice, check: str
) -> None:
    run([*unity_game, check, voice.model], game_folder)


@pytest.mark.parametrize("check", ["asset-selection", "events"])
def test_a_face_follows_what_is_chosen(
    unity_game: list[str], game_folder: Path, check: str
) -> None:
    """Models, maps and presets by name, in the inspector, and by a listener in mid-speech."""
    models = [bundled_model(30), bundled_model(60)]
    run([*unity_game, check, *models], game_folder)


def test_neither_a_frame_nor_an_audio_block_allocates(
    unity_game: list[str], game_folder: Path, voice: Voice
) -> None:
    measured = run([*unity_game, "allocations", voice.model], game_folder).stdout
    assert re.fullmatch(r"([^\n]+: 0 bytes\n){5}", measured)


def test_the_assembly_is_what_il2cpp_can_translate(
    unity_game: list[str], game_folder: Path
) -> None:
    run([*unity_game, "ahead-of-time"], game_folder)


def test_a_missing_library_is_a_message(
    unity_game: list[str], voice: Voice, tmp_path: Path
) -> None:
    run([*unity_game, "no-library", voice.model], tmp_path)


def test_a_library_of_another_version_is_a_message(
    unity_game: list[str], native_build: Path, voice: Voice, tmp_path: Path
) -> None:
    """Its structs may be larger than the package's, so that it would write beyond them."""
    library = (native_build / "native" / "libkoemorph.so").read_bytes()
    version = f"{_native.version()}\0".encode()
    assert library.count(version) == 1
    (tmp_path / "libkoemorph.so").write_bytes(library.replace(version, b"0.9.0\0"))
    run([*unity_game, "other-version", voice.model], tmp_path)


def test_a_missing_onnx_runtime_is_a_message(
    unity_game: list[str], native_build: Path, voice: Voice, tmp_path: Path
) -> None:
    library = (native_build / "native" / "libkoemorph.so").read_bytes()
    (tmp_path / "libkoemorph.so").write_bytes(library)
    run([*unity_game, "no-runtime", voice.model], tmp_path)
