"""Shared by KoeMorph's web servers: origin checks and start-up."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpProcessingError

from koemorph.outputs.network import listen_error

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


def _is_ours(record: logging.LogRecord) -> bool:
    """Whether a logged error is KoeMorph's own, not a disconnected or malformed client."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_LOG = logging.getLogger(__name__)
_LOG.addFilter(_is_ours)


def _host_of(address: str) -> str:
    """Return the host of a Host or Origin header, "" for a malformed one."""
    try:
        return urlsplit(address if "://" in address else f"//{address}").hostname or ""
    except ValueError:
        return ""


def is_trusted(request: web.Request, bound_host: str) -> bool:
    """Return whether a request may use this server.

    The Host header must name this server, against DNS rebinding. A browser's Origin, when present,
    must be a page of this computer or of this server.

    Args:
        request: The request.
        bound_host: The address that the server listens on.
    """
    host = _host_of(request.host)
    if not host or (bound_host in LOOPBACK and host not in LOOPBACK):
        return False
    origin = request.headers.get("Origin")
    return origin is None or _host_of(origin) in LOOPBACK | {host}


def page_address(host: str, port: int) -> str:
    """Return the URL at which a browser on this computer reaches a server on `host`."""
    here = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)
    return f"http://[{here}]:{port}/" if ":" in here else f"http://{here}:{port}/"


async def start_site(app: web.Application, host: str, port: int) -> web.AppRunner:
    """Start serving an application.

    Args:
        app: The application.
        host: Address to listen on.
        port: TCP port to listen on.

    Returns:
        The runner; its `cleanup` ends the server.

    Raises:
        OutputError: The address or port is not available.
    """
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0, logger=_LOG)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port, backlog=32).start()
    except (OSError, UnicodeError) as error:
        await runner.cleanup()
        raise listen_error(host, port, error, "use another port") from error
    return runner
