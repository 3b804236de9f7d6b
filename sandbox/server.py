"""A running sandbox: the application behind a threaded server, with its background work."""

from __future__ import annotations

import socket
import threading
from dataclasses import replace
from types import TracebackType

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

from sandbox.app import create_app
from sandbox.delivery import Courier
from sandbox.options import Options
from sandbox.work import Desk


class _QuietHandler(WSGIRequestHandler):
    """Logs errors, not every request, and keeps no connection.

    A kept connection would go on being answered after the server was stopped.
    """

    protocol_version = "HTTP/1.0"

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        return


class PortTaken(Exception):
    """Something else listens on the wanted address."""


class Server:
    """Serves one sandbox until stopped; also a context manager, which tests use."""

    def __init__(self, options: Options) -> None:
        """Bind the port (0: any free one). Raises PortTaken before any file is touched."""
        with _listen(options.host, options.port) as listener:
            self.options = _with_port(options, listener.getsockname()[1])
            self.app: Flask = create_app(self.options)
            self._server = make_server(
                options.host,
                self.options.port,
                self.app,
                threaded=True,
                request_handler=_QuietHandler,
                fd=listener.fileno(),
            )
        self._courier = Courier(self.desk)
        self._thread: threading.Thread | None = None

    @property
    def desk(self) -> Desk:
        """Where the application keeps its state."""
        desk = self.app.extensions["sandbox"]
        assert isinstance(desk, Desk)
        return desk

    def serve(self) -> None:
        """Answer requests until stop is called from another thread."""
        self._courier.start()
        self._server.serve_forever(poll_interval=0.1)

    def stop(self) -> None:
        """Take no more requests and end the background work."""
        self._server.shutdown()
        self._server.server_close()
        self._courier.stop()
        self.desk.store.close()

    def __enter__(self) -> Server:
        self._thread = threading.Thread(target=self.serve, name="sandbox", daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()


def _with_port(options: Options, port: int) -> Options:
    if options.port:
        return options
    return replace(options, port=port, public_url=f"http://{options.host}:{port}")


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        raise PortTaken(f"http://{host}:{port}: {error.strerror}") from error
    return listener
