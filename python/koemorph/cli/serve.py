"""`koemorph serve`: speak into the browser and watch the face."""

from __future__ import annotations

import asyncio
import contextlib
import webbrowser
from pathlib import Path

import click

from koemorph.cli.options import choose_model, fps_option, model_option
from koemorph.model import Model
from koemorph.serve import Server
from koemorph.web import page_address


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--rig", type=click.Path(path_type=Path), help="Your own .glb instead of the face.")
@fps_option
@model_option
@click.option("--open", "open_page", is_flag=True, help="Show the page in the browser.")
def command(
    *,
    port: int,
    host: str,
    rig: Path | None,
    fps: str | None,
    model: str | None,
    open_page: bool,
) -> None:
    """Serve a page whose face moves with your voice; Ctrl-C ends.

    Only this computer can reach it unless --host says otherwise, and only with the token in the
    address. Browsers give the microphone to pages of this computer or over https.
    """
    server = Server(Model(choose_model(model, fps)), rig, host)

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
