"""What the web servers of KoeMorph share: who may connect, and how a server starts."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpProcessingError

from koemorph.outputs.network import listen_error

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a server's error is one of KoeMorph, and not of a client that left or talks nonsense:
    those are answered, and no matter for the terminal.
    """
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_LOG = logging.getLogger(__name__)
_LOG.addFilter(_is_ours)


def _host_of(address: str) -> str:
    """The host that a Host or an Origin names; "" for what is no address."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def is_trusted(request: web.Request, bound_host: str) -> bool:
    """Whether a request may talk to this server.

    The Host header must name this server (a foreign name that resolves here is DNS rebinding), and
    a browser's Origin, when there is one, must be a page of this computer or of this server.
    """
    host = _host_of(request.host)
    if not host or (bound_host in LOOPBACK and host not in LOOPBACK):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _host_of(origin) in LOOPBACK | {host}


def page_address(host: str, port: int) -> str:
    """Where a browser on this computer finds what listens on `host`."""
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}/" if ":" in here else f"http://{here}:{port}/"


async def start_site(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving; the runner's `cleanup` ends it. OutputError where it cannot listen there."""
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=_LOG)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=32).start()
    except (OSError, UnicodeError) as error:
        await runner.cleanup()
        raise listen_error(host, port, error, "choose another port") from error
    return runner
