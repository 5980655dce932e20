"""Tests of the Unity package, compiled with Mono against a stub of the Unity API."""

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
    """Return the times (n,) and weights of the mesh (n, 52) recorded by a check of the program."""
    out = folder / f"{check}.f64"
    arguments = [voice.file, str(voice.sample_rate), str(voice.channels), voice.model, out]
    run([*unity_game, check, *arguments], libraries)
    rows = np.fromfile(out).reshape(-1, 53)
    rows = rows[rows[:, 0] <= voice.last_frame]  # silence follows
    return rows[:, 0], rows[:, 1:]


# Minimum number of recorded rows.
MINIMUM_ROWS = {"play": 30, "clip": 300, "manual": 300, "microphone": 150, "bake": 180}


@pytest.mark.parametrize("player", MINIMUM_ROWS)
def test_mesh_weights_equal_the_animation(
    unity_game: list[str], game_folder: Path, voice: Voice, tmp_path: Path, player: str
) -> None:
    times, weights = recorded(unity_game, player, voice, game_folder, tmp_path)
    assert len(times) >= MINIMUM_ROWS[player]
    np.testing.assert_allclose(weights, voice.faces(times), atol=1e-3)


# How the format change is detected, and the seconds of audio before that.
@pytest.mark.parametrize(("how", "missed"), [("notified", 0), ("unnoticed", 0.02), ("manual", 0)])
def test_stream_continues_after_a_format_change(
    unity_game: list[str],
    game_folder: Path,
    devices: Devices,
    tmp_path: Path,
    how: str,
    missed: float,
) -> None:
    out = tmp_path / "rows.f64"
    run([*unity_game, "format-change", how, devices.model, out, *devices.sounds], game_folder)
    devices.check(np.fromfile(out).reshape(-1, 53), missed)


def test_unit_tests_of_the_package_pass(unity_game: list[str], game_folder: Path) -> None:
    result = run([*unity_game, "units"], game_folder)
    assert re.fullmatch(r"[1-9]\d* tests, [1-9]\d* assertions\n", result.stdout)


@pytest.mark.parametrize("check", ["leaks", "errors", "reload", "speech-state"])
def test_lifecycle_and_errors(
    unity_game: list[str], game_folder: Path, voice: Voice, check: str
) -> None:
    run([*unity_game, check, voice.model], game_folder)


@pytest.mark.parametrize("check", ["asset-selection", "events"])
def test_settings_and_event_listeners(unity_game: list[str], game_folder: Path, check: str) -> None:
    """Models, maps and presets by name; changes by the inspector and by event listeners."""
    models = [bundled_model(30), bundled_model(60)]
    run([*unity_game, check, *models], game_folder)


def test_frames_and_audio_blocks_allocate_nothing(
    unity_game: list[str], game_folder: Path, voice: Voice
) -> None:
    measured = run([*unity_game, "allocations", voice.model], game_folder).stdout
    assert re.fullmatch(r"([^\n]+: 0 bytes\n){5}", measured)


def test_assembly_is_compatible_with_il2cpp(unity_game: list[str], game_folder: Path) -> None:
    run([*unity_game, "ahead-of-time"], game_folder)


def test_missing_library_is_reported(unity_game: list[str], voice: Voice, tmp_path: Path) -> None:
    run([*unity_game, "no-library", voice.model], tmp_path)


def test_incompatible_library_is_reported(
    unity_game: list[str], native_build: Path, voice: Voice, tmp_path: Path
) -> None:
    """Its structs may be larger than those of the package."""
    library = (native_build / "native" / "libkoemorph.so").read_bytes()
    version = f"{_native.version()}\0".encode()
    assert library.count(version) == 1
    (tmp_path / "libkoemorph.so").write_bytes(library.replace(version, b"0.9.0\0"))
    run([*unity_game, "other-version", voice.model], tmp_path)
