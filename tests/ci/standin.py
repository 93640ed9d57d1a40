"""A local stand-in of the comment APIs of GitHub and GitLab."""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

GITHUB_PATH = re.compile(r"/repos/acme/plasma/issues/(?:(7)/comments|comments/(\d+))")
GITLAB_PATH = re.compile(r"/api/v4/projects/42/merge_requests/7/notes(?:/(\d+))?()")


@dataclass
class Forge:
    """The comments of one pull request; `answers` are given first, instead of what would be right."""

    me: str = "github-actions[bot]"
    comments: list[dict[str, Any]] = field(default_factory=list)
    answers: list[tuple[int, dict[str, str], Any]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    tokens: set[str] = field(default_factory=set)
    limit: int = 65_536
    url: str = ""

    def comment(self, body: str, author: str) -> None:
        """Somebody has commented."""
        by = {"login": author, "username": author}
        self.comments.append({"id": 1000 + len(self.comments), "body": body, "user": by, "author": by})

    def bodies(self, author: str = "") -> list[str]:
        """What that account (or this one) has said."""
        return [one["body"] for one in self.comments if one["user"]["login"] == (author or self.me)]

    def answer(self, method: str, target: str, body: Any) -> tuple[int, dict[str, str], Any]:
        self.calls.append(f"{method} {target}")
        if self.answers:
            return self.answers.pop(0)
        url = urlsplit(target)
        if url.path == "/api/v4/user":
            return 200, {}, {"username": self.me}
        match = GITHUB_PATH.fullmatch(url.path) or GITLAB_PATH.fullmatch(url.path)
        if match is None:
            return 404, {}, {"message": "Not Found"}
        if method == "GET":
            asked = {key: int(value[0]) for key, value in parse_qs(url.query).items()}
            first = (asked["page"] - 1) * asked["per_page"]
            return 200, {}, self.comments[first : first + asked["per_page"]]
        if len(body["body"]) > self.limit:
            return 422, {}, {"message": "body is too long"}
        if method == "POST":
            self.comment(body["body"], self.me)
            return 201, {}, self.comments[-1]
        number = int(next(group for group in match.groups() if group))
        found = next(one for one in self.comments if one["id"] == number)
        found["body"] = body["body"]
        return 200, {}, found


@contextmanager
def running(forge: Forge) -> Iterator[Forge]:
    """Serve it on loopback."""

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            body = json.loads(self.rfile.read(length)) if length else None
            forge.tokens.add(self.headers.get("Authorization") or self.headers.get("PRIVATE-TOKEN") or "")
            status, headers, answer = forge.answer(self.command, self.path, body)
            raw = answer.encode() if isinstance(answer, str) else json.dumps(answer).encode()
            self.send_response(status)
            for key, value in {"Content-Length": str(len(raw)), **headers}.items():
                self.send_header(key, value)
            self.end_headers()
            self.wfile.write(raw)

        do_GET = do_POST = do_PATCH = do_PUT = _serve  # the names that http.server asks for

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=lambda: server.serve_forever(0.02), daemon=True)
    thread.start()
    forge.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield forge
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
