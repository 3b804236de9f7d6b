"""The application behind a real socket in the test's own process, for a browser."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from http.server import HTTPServer
from typing import TYPE_CHECKING, Any

from flask import Flask
from werkzeug.serving import WSGIRequestHandler, make_server

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """Serve `app` until the block ends; gives its address."""
    server = make_server("127.0.0.1", 0, _Whole(app), True, request_handler=_Impatient)
    # A request that is still running must not write into the next test's database.
    server.daemon_threads = False  # type: ignore[attr-defined]
    with answering(server) as address:
        yield address


@contextmanager
def answering(server: HTTPServer) -> Iterator[str]:
    """Let a server on this machine answer until the block ends; gives its address."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Impatient(WSGIRequestHandler):
    """Gives up connections that say nothing, as a browser opens them for what may come.

    The end waits for every request, so it would wait for those until the browser has ended too.
    """

    timeout = 20


class _Whole:
    """Reads each answer to its end before sending it.

    Werkzeug's server does not close an answer whose reader broke the connection off, and a static
    file left open so is a warning, thus an error, in whichever test runs by then.
    """

    def __init__(self, app: Flask) -> None:
        self._app = app

    def __call__(self, environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        answer: Any = self._app(environ, start)
        with closing(answer):
            return [b"".join(answer)]
