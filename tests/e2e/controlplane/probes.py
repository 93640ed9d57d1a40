"""Answers the pods' health checks: one server on all their addresses, which must be local (`in_netns.sh`)."""

from __future__ import annotations

import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from e2e.controlplane.behaviour import Behaviour
from e2e.controlplane.podnet import POD_PORT

# Closing with this set sends a reset, as from a port that nothing listens on any more.
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class HealthChecks:
    """GET /health and /ready answer as `behaviour_at(pod address)` says; None is no pod, and is reset."""

    def __init__(self, behaviour_at: Callable[[str], Behaviour | None]) -> None:
        self._ending = threading.Event()
        ending = self._ending

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                behaviour = behaviour_at(self.connection.getsockname()[0])
                if behaviour is None or behaviour.health == "reset":
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
                elif behaviour.health == "hang":
                    ending.wait(60)
                else:
                    known = self.path.partition("?")[0] in {"/health", "/ready"}
                    self.send_response(behaviour.health if known else 404)
                    self.send_header("Content-Length", "0")
                    self.end_headers()
                self.close_connection = True

            def log_message(self, *_: object) -> None:
                """The tests look at what the watchdog says, not at this."""

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:
                """A client that went away in the middle of an answer is none of ours."""

        self._server = Server(("0.0.0.0", POD_PORT), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, name="health checks", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self._ending.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
