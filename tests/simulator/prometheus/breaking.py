"""Something to scrape that breaks when it is told to: `broken` is 0 or 1."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


@contextmanager
def target(broken: threading.Event) -> Iterator[str]:
    """Its address, while it serves."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(f"broken {int(broken.is_set())}\n".encode())

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


def configuration(address: str, **labels: str) -> str:
    """A Prometheus that scrapes it each second, with the alerting rules of `rules.yml` beside it."""
    own = ", ".join(f"{name}: {value}" for name, value in labels.items())
    return f"""
global: {{scrape_interval: 1s, scrape_timeout: 1s}}
rule_files: [rules.yml]
scrape_configs:
  - job_name: target
    static_configs:
      - targets: ["{address}"]
        labels: {{{own}}}
"""
