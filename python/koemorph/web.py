"""Shared by KoeMorph's web servers: origin checks and start-up."""

from __future__ import annotations

import logging
from collections.abc import Collection
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http import HttpProcessingError

from koemorph.errors import OutputError
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


def parse_origin(text: str) -> str:
    """Return a browser's origin in one spelling.

    Args:
        text: `https://page.example`, or `null`, `file://` for pages that are local files.

    Raises:
        OutputError: The text is no origin (code "bad_origin").
    """
    origin = text.strip().lower().rstrip("/")
    if origin in ("null", "file:"):
        return "null"
    scheme, separator, host = origin.partition("://")
    if not (scheme.isalnum() and separator and _host_of(origin)) or "/" in host:
        raise OutputError(
            f'Invalid origin: "{text}", expected SCHEME://HOST[:PORT] such as '
            "https://page.example, or null for local files.",
            code="bad_origin",
        )
    return origin


def names_this_server(request: web.Request, bound_host: str) -> bool:
    """Return whether the Host header names this server, against DNS rebinding.

    Args:
        request: The request.
        bound_host: The address that the server listens on.
    """
    host = _host_of(request.host)
    return bool(host) and (bound_host not in LOOPBACK or host in LOOPBACK)


def foreign_origin(request: web.Request, allowed: Collection[str] = ()) -> str | None:
    """Return the Origin of a browser's page that may not connect, None when it may.

    Pages of this computer's and of this server's address may.

    Args:
        request: The request.
        allowed: Other origins that may connect, as `parse_origin` returns them.
    """
    origin = request.headers.get("Origin")
    if origin is None or _host_of(origin) in LOOPBACK | {_host_of(request.host)}:
        return None
    try:
        return None if parse_origin(origin) in allowed else origin
    except OutputError:
        return origin


def is_trusted(request: web.Request, bound_host: str) -> bool:
    """Return whether a request names this server and comes from no foreign page."""
    return names_this_server(request, bound_host) and foreign_origin(request) is None


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
