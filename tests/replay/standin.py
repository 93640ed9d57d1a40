"""A server that answers whatever a test says where Prometheus should be."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Answer = tuple[int, str, str]  # status, type, body


def data(result: Any, **more: Any) -> Answer:
    """A good answer of Prometheus's API."""
    document = {"status": "success", "data": {"resultType": "matrix", "result": result}, **more}
    return 200, "application/json", json.dumps(document, separators=(",", ":"))


@contextmanager
def standing_in(answer: Callable[[str, dict[str, str]], Answer]) -> Iterator[str]:
    """`answer(path, parameters)` for each request; yields the URL."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            url = urlsplit(self.path)
            status, kind, body = answer(url.path, {key: value[0] for key, value in parse_qs(url.query).items()})
            raw = body.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(raw)))
            if status == 302:
                self.send_header("Location", "/login")
            self.end_headers()
            self.wfile.write(raw)

        def log_message(self, *_: object) -> None:
            """Be quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
