"""A control socket: commands for running sessions, one line of text or JSON each."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any

from koemorph import _native
from koemorph.controls import load_preset
from koemorph.errors import DataError, KoemorphError
from koemorph.live.session import Session
from koemorph.outputs.network import listen_error

_MAX_LINE = 65536
_NUMBERS = int | float


class ControlServer:
    """Executes commands from TCP connections; each line is answered with "ok" or "error: ...".

    Commands as text: `interrupt`, `preset NAME`, `set CONTROL=NUMBER ...`, `quit`; `@STREAM` before
    a command selects one stream, otherwise it applies to all. The same as JSON:
    `{"command": "set", "stream": "hero", "controls": {"blink": 0}}`,
    `{"command": "preset", "name": "lively"}`.

    An unknown command ends its connection: a web page that sends a form to the port cannot go on.

    Args:
        host: Address to listen on.
        port: TCP port to listen on; 0 chooses one.
        sessions: The sessions that commands apply to.

    Raises:
        OutputError: The address or port is not available.
    """

    def __init__(self, host: str, port: int, sessions: Sequence[Session]) -> None:
        self._sessions = sessions
        execute = self._execute

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline(_MAX_LINE):
                    try:
                        execute(line.decode("utf-8", "replace").strip())
                    except (KoemorphError, ValueError) as error:
                        self.wfile.write(f"error: {error}\n".encode())
                        if getattr(error, "code", "") == "unknown_command":
                            return
                    else:
                        self.wfile.write(b"ok\n")

            def finish(self) -> None:
                with suppress(OSError):  # the client left
                    super().finish()

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True
            block_on_close = False

            def handle_error(self, request: Any, client_address: Any) -> None:
                """Log nothing: the client left."""

        try:
            self._server = Server((host, port), Handler)
        except (OSError, UnicodeError) as error:
            raise listen_error(host, port, error, "use another --control port") from error
        self.port: int = self._server.server_address[1]
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _execute(self, line: str) -> None:
        command, stream, values = _parse(line)
        sessions = [each for each in self._sessions if stream in ("", each.name)]
        if not sessions:
            names = ", ".join(each.name for each in self._sessions if each.name) or "none"
            raise DataError(
                f'No stream is named "{stream}": the streams are {names}. Use one of them.',
                code="unknown_stream",
            )
        for session in sessions:
            if command == "interrupt":
                session.interrupt()
            elif command == "quit":
                session.stop()
            elif command == "preset":
                session.set_controls(load_preset(values["name"]))
            else:
                controls = session.controls
                for name, value in values.items():
                    setattr(controls, name, value)
                session.set_controls(controls)


def _parse(line: str) -> tuple[str, str, Mapping[str, Any]]:
    """Return the command, the stream's name ("" for all) and the command's values."""
    if line.startswith("{"):
        return _parse_json(line)
    first, *words = line.split() or [""]
    stream = ""
    if first.startswith("@"):
        stream = first[1:]
        first, *words = words or [""]
    if first in ("interrupt", "quit") and not words:
        return first, stream, {}
    if first == "preset" and len(words) == 1:
        return first, stream, {"name": words[0]}
    if first == "set" and words:
        pairs = [word.partition("=") for word in words]
        return first, stream, _controls({name: _number(value) for name, _, value in pairs})
    raise _unknown(line)


def _parse_json(line: str) -> tuple[str, str, Mapping[str, Any]]:
    try:
        fields = json.loads(line)
    except ValueError as error:
        raise DataError(f"The command is not valid JSON: {error}.", code="invalid_json") from error
    command, stream = fields.get("command"), fields.get("stream", "")
    if command in ("interrupt", "quit"):
        return command, stream, {}
    if command == "preset" and isinstance(fields.get("name"), str):
        return command, stream, {"name": fields["name"]}
    if command == "set" and isinstance(fields.get("controls"), dict) and fields["controls"]:
        return command, stream, _controls(fields["controls"])
    raise _unknown(line)


def _controls(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return checked values of number controls."""
    known = {each.name: each for each in _native.control_info() if not each.per_blendshape}
    for name, value in values.items():
        if name not in known:
            raise DataError(
                f'Unknown control "{name}": the controls are {", ".join(known)}.',
                code="unknown_control",
            )
        if not isinstance(value, _NUMBERS):
            raise DataError(f"{name}: {value!r} is not a number.", code="invalid_control")
    whole = {name for name, each in known.items() if each.type != "number"}
    return {name: int(value) if name in whole else value for name, value in values.items()}


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _unknown(line: str) -> DataError:
    return DataError(
        f'Unknown command: "{line[:100]}". Use interrupt, preset NAME, set CONTROL=NUMBER ... or '
        "quit, with @STREAM before it for one of several streams.",
        code="unknown_command",
    )
