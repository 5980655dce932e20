"""`koemorph retarget`: convert recorded frames to a rig's own blend shapes."""

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
        raise DataError(
            f"{rig} has no named morph targets. Export it with its shape keys.",
            code="no_morph_targets",
        )
    return list(found)


def _report(chosen: RetargetMap) -> None:
    """Print to standard error what the map drives and what it cannot match."""
    driven = dict(zip(chosen.names, chosen.driven, strict=True))
    unmatched = [name for name, is_driven in driven.items() if not is_driven]
    count = len(driven) - len(unmatched)
    click.echo(f"Map {chosen.name} drives {count} of {len(driven)} blend shapes.", err=True)
    if unmatched:
        click.echo(f"Not driven: {', '.join(unmatched)}.", err=True)
    if chosen.unmatched_targets:
        click.echo(f"Not in the rig: {', '.join(chosen.unmatched_targets)}.", err=True)


@click.command()
@click.argument("recording", type=click.Path(path_type=Path), metavar="IN.jsonl")
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
    "map_name",
    metavar="NAME|FILE",
    help=f"Retarget map: {', '.join(maps())}, or a JSON file.  [default: the best map for --rig]",
)
@click.option(
    "--rig",
    type=click.Path(path_type=Path),
    help="A .glb: the output has its blend shapes, in its order.",
)
@click.option(
    "--format", "file_format", help="Output format.  [default: by the extension of --output]"
)
def command(
    recording: Path, output: Path, map_name: str | None, rig: Path | None, file_format: str | None
) -> None:
    """Convert recorded frames to a rig's own blend shapes.

    IN.jsonl contains frames of the 52 ARKit blend shapes. Blend shapes that the map does not match
    are listed on standard error.
    """
    if map_name is None and rig is None:
        raise DataError(
            f"No map is given. Use --map ({', '.join(maps())}, or a JSON file) or --rig.",
            code="missing_map",
        )
    for source in (recording, map_name, rig):
        if source is not None:
            refuse_overwrite(Path(source), output)
    rig_names = None if rig is None else _rig_names(rig)
    chosen = (
        best_map(rig_names or []) if map_name is None else load_retarget_map(map_name, rig_names)
    )
    animation = apply_map(read_jsonl(recording), chosen)
    _report(chosen)
    animation.save(output, file_format, rig=rig)
