"""`koemorph retarget`: a recording of the 52 blendshapes becomes one of a rig's own shapes."""

from __future__ import annotations

from pathlib import Path

import click

from koemorph.cli.options import refuse_overwrite
from koemorph.errors import DataError
from koemorph.outputs.jsonl import read_jsonl
from koemorph.retarget import RetargetMap, apply_map, best_map, load_retarget_map, maps


def _rig_names(rig: Path) -> list[str]:
    from koemorph.outputs import rig as rigs

    gltf = rigs.load(rig)
    with rigs.rig_errors(rig):
        meshes = gltf.json["meshes"]
        found = dict.fromkeys(name for mesh in meshes for name in rigs.target_names(mesh))
    if not found:
        raise DataError(f"{rig} has no named morph targets; export it with its shape keys.")
    return list(found)


def _list_partners(chosen: RetargetMap) -> None:
    """Says on standard error what the map and the rig have in common, and what they have not."""
    count = sum(chosen.driven)
    click.echo(f"Map {chosen.name}: {count} of {len(chosen.names)} shapes are driven.", err=True)
    idle = [
        name for name, is_driven in zip(chosen.names, chosen.driven, strict=True) if not is_driven
    ]
    if idle:
        click.echo(f"Shapes that found no partner: {', '.join(idle)}.", err=True)
    if chosen.unmatched_targets:
        click.echo(f"The rig has no: {', '.join(chosen.unmatched_targets)}.", err=True)


@click.command()
@click.argument("recording", type=click.Path(path_type=Path), metavar="IN.jsonl")
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, metavar="OUT", help="File."
)
@click.option(
    "--map", "wanted", metavar="NAME|FILE", help=f"One of {', '.join(maps())}, or a file."
)
@click.option("--rig", type=click.Path(path_type=Path), help="A .glb whose own names are matched.")
@click.option("--format", "file_format", help="Format of OUT; else its extension decides.")
def command(
    recording: Path, output: Path, wanted: str | None, rig: Path | None, file_format: str | None
) -> None:
    """Turn a recording of the 52 blendshapes into one of a rig's own shapes.

    With --rig alone the map that fits the rig best is taken. What found no partner is listed.
    """
    if wanted is None and rig is None:
        raise DataError(f"Say which --map ({', '.join(maps())}, or a file), or give a --rig.")
    for taken in (recording, wanted, rig):
        if taken is not None:
            refuse_overwrite(Path(taken), output)
    rig_names = None if rig is None else _rig_names(rig)
    chosen = best_map(rig_names or []) if wanted is None else load_retarget_map(wanted, rig_names)
    animation = apply_map(read_jsonl(recording), chosen)
    _list_partners(chosen)
    animation.save(output, file_format, rig=rig)
