"""`koemorph retarget`: convert recorded frames to a rig's own blend shapes."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph import outputs
from koemorph.cli.options import refuse_overwrite, warn
from koemorph.errors import DataError
from koemorph.retarget import (
    RetargetMap,
    apply_map,
    arkit_animation,
    best_map,
    load_retarget_map,
    maps,
)
from koemorph.rig_check import check_rig


def _rig_names(rig: Path) -> list[str]:
    """Return a rig's morph targets and, behind them, a VRM file's expressions."""
    from koemorph.outputs import rig as rigs

    gltf = rigs.load(rig)
    with rigs.rig_errors(rig):
        found = dict.fromkeys([*rigs.shape_names(gltf), *rigs.expression_names(gltf)])
    if not found:
        raise DataError(
            f"{rig} has no named morph targets. Export it with its shape keys.",
            code="no_morph_targets",
        )
    return list(found)


def _load_map(name: str | None, rig: Path | None) -> RetargetMap:
    """Return the map of `--map`, else the bundled one that fits the rig best."""
    if name is not None:
        return load_retarget_map(name)
    if rig is None:
        raise DataError(
            f"No map is given. Use --map ({', '.join(maps())}, or a JSON file) or --rig.",
            code="missing_map",
        )
    return load_retarget_map(best_map(_rig_names(rig)).name)


@click.command()
@click.argument("recording", type=click.Path(path_type=Path), metavar="IN")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    metavar="FILE",
    help="Output file.",
)
@click.option(
    "--map",
    "--retarget",
    "map_name",
    metavar="NAME|FILE",
    help=f"Retarget map: {', '.join(maps())}, or a JSON file.  [default: the best map for --rig]",
)
@click.option(
    "--rig",
    type=click.Path(path_type=Path),
    help="A .glb, .gltf or .vrm: the output has its blend shapes, in its order.",
)
@click.option(
    "--format", "file_format", help="Output format.  [default: by the extension of --output]"
)
def command(
    recording: Path, output: Path, map_name: str | None, rig: Path | None, file_format: str | None
) -> None:
    """Convert recorded frames to a rig's own blend shapes.

    IN is an animation of the 52 ARKit blend shapes (.jsonl, .csv of Live Link Face, .npz, .json,
    .anim, .glb). What finds no partner is listed on standard error; without any jaw or mouth shape
    the exit code is 2.
    """
    for source in (recording, map_name, rig):
        if source is not None:
            refuse_overwrite(Path(source), output)
    chosen = _load_map(map_name, rig)
    if rig is not None:
        check_rig(rig, chosen, warn)
        if outputs.find_format(output, file_format).name != "glb":
            chosen.match_rig(_rig_names(rig))
    recorded = outputs.read(recording)
    animation = apply_map(arkit_animation(recorded) or recorded, chosen)
    animation.save(output, file_format, rig=rig)
