"""The table of controls agrees with its copies in Python, Unity and Unreal."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from koemorph import _native

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "engine_plugins"
STUB = ROOT / "python" / "koemorph" / "_native.pyi"
UNITY = next(PLUGINS.rglob("Interop/Controls.cs"))
UNREAL = next(PLUGINS.rglob("KoeMorphControls.h"))
CONTROLS = {control.name: control for control in _native.control_info()}
NUMBER = r"-?[0-9.]+"


def snake_case(name: str) -> str:
    return re.sub(r"(?<!^)([A-Z])", r"_\1", name).lower()


def test_the_table_describes_the_default_controls() -> None:
    controls = _native.Controls()
    for control in CONTROLS.values():
        values = np.atleast_1d(getattr(controls, control.name))
        assert values.shape == ((52,) if control.per_blendshape else (1,))
        np.testing.assert_allclose(values, control.default, rtol=1e-6)
        assert control.minimum <= control.default <= control.maximum
        assert control.description.endswith(".")
        assert control.type in ("number", "switch", "integer")


def test_the_stub_has_the_fields_of_the_table() -> None:
    body = re.search(r"class Controls:\n(.*?)    def ", STUB.read_text(), re.S)
    assert body is not None
    fields = dict(re.findall(r"^    (\w+): (.+)$", body[1], re.M))
    assert list(fields) == list(CONTROLS)
    for name, kind in fields.items():
        control = CONTROLS[name]
        element = "float" if control.type == "number" else "int"
        array = "float32" if control.type == "number" else "uint8"
        assert kind == (f"npt.NDArray[np.{array}]" if control.per_blendshape else element)


def test_unity_has_the_fields_and_ranges_of_the_table() -> None:
    code = re.search(r"struct Controls.*?uint Size;(.*?)\bstatic\b", UNITY.read_text(), re.S)
    assert code is not None
    names = []
    end = 0
    for field in re.finditer(r"public (\w+)(\[\])? (\w+);", code[1]):
        attributes, end = code[1][end : field.start()], field.end()
        kind, array, name = field.groups()
        control = CONTROLS[snake_case(name)]
        names.append(control.name)
        assert bool(array) == control.per_blendshape
        integers = {"switch": "int", "integer": "uint"}
        element = "byte" if array else integers.get(control.type)
        assert kind == ("float" if control.type == "number" else element)
        bounds = re.search(rf"Range\(({NUMBER})f?, *({NUMBER})f?\)", attributes)
        if bounds:
            assert (float(bounds[1]), float(bounds[2])) == (control.minimum, control.maximum)
        else:
            assert array or control.name == "seed"
    assert names == list(CONTROLS)


def test_unreal_has_the_fields_ranges_and_defaults_of_the_table() -> None:
    field = re.compile(
        r"UPROPERTY\((?P<attributes>.*?)\)\s*"
        r"(?P<kind>float|bool|uint8|int32|int64|uint32) b?(?P<name>[A-Z]\w*) = (?P<value>[^;]+);",
        re.S,
    )
    found = {}
    for match in field.finditer(UNREAL.read_text()):
        control = CONTROLS[snake_case(match["name"])]
        found[control.name] = match
        value = match["value"].removesuffix("f")
        default = (
            {"true": 1.0, "false": 0.0}.get(value) if match["kind"] == "bool" else float(value)
        )
        assert default == pytest.approx(control.default)
        bounds = [
            re.search(rf'{clamp} = "({NUMBER})"', match["attributes"])
            for clamp in ("ClampMin", "ClampMax")
        ]
        limits = (control.minimum, control.maximum)
        for bound, limit in zip(bounds, limits, strict=True):
            if bound:
                assert float(bound[1]) == limit
            else:  # the type is the range
                assert control.type != "number"
    assert sorted(found) == sorted(CONTROLS)
