"""`koemorph serve`: a page that animates a face from the browser's microphone."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from pathlib import Path

import click

from koemorph.cli.options import choose_model, choose_rig_map, fps_option, model_option
from koemorph.controls import MICROPHONE_PRESET, presets
from koemorph.errors import DataError, raise_missing_extra
from koemorph.model import Model
from koemorph.retarget import load_retarget_map, maps


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--rig", type=click.Path(path_type=Path), help="A .glb, .gltf or .vrm to move.")
@click.option(
    "--retarget", metavar="NAME|FILE", help=f"Map for --rig: one of {', '.join(maps())}, or a file."
)
@click.option(
    "--preset",
    default=MICROPHONE_PRESET,
    show_default=True,
    metavar="NAME|FILE",
    help=f"One of {', '.join(presets())}, or a file.",
)
@fps_option
@model_option
@click.option("--open", "open_page", is_flag=True, help="Open the page in the browser.")
def command(
    *,
    port: int,
    host: str,
    rig: Path | None,
    retarget: str | None,
    preset: str,
    fps: str | None,
    model: str | None,
    open_page: bool,
) -> None:
    """Serve a page that animates a face from the microphone; Ctrl-C ends.

    Only this computer can connect unless --host is set, and only with the token in the printed
    address. Browsers allow microphones on pages of this computer and over https.
    """
    try:  # here, so that --help works without the extra
        from koemorph.serve import Server
        from koemorph.web import page_address
    except ModuleNotFoundError as error:
        raise_missing_extra("koemorph serve", "live", error)
    if retarget is not None and rig is None:
        raise DataError("--retarget needs a rig. Use --rig HERO.glb.", code="retarget_without_rig")
    if rig is not None:
        retarget = choose_rig_map(rig, retarget)
    loaded_map = None if retarget is None else load_retarget_map(retarget)
    loaded = Model(choose_model(model, fps))
    server = Server(loaded, rig, host, preset=preset, retarget=loaded_map)

    async def run() -> None:
        runner = await server.start(port)
        address = f"{page_address(host, port)}?token={server.token}"
        click.echo(f"Open {address} and press Speak. Ctrl-C ends.")
        if open_page:
            webbrowser.open(address)
        try:
            await asyncio.Event().wait()
        finally:
            await runner.cleanup()

    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(run())
