#!/usr/bin/env python3
"""Posts FILE as the one comment of a pull request, or updates it: comment.py FILE.

The comment is found by its marker line, among those of this very account: anybody may write a marker. On GitHub
(GITHUB_TOKEN, GITHUB_REPOSITORY, PULL_REQUEST, perhaps COMMENT_AUTHOR) and on GitLab (GITLAB_TOKEN, CI_API_V4_URL,
CI_PROJECT_ID, CI_MERGE_REQUEST_IID).

A comment is not the verdict: where it cannot be posted (a fork's token may only read), that is said in one line, what
it would have said goes to the run's summary, and the job does not fail for it. `--strict` makes it fail.
"""

import argparse
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from services import annotate, summarize

MARKER = "<!-- rollback-watchdog -->"
GITHUB_LIMIT = 65_536
GITLAB_LIMIT = 1_000_000
TRIES = 4
LONGEST_WAIT = 60.0
PAGES = 100
PER_PAGE = 100


class NotPosted(Exception):
    """Why there is no comment, in one sentence."""


@dataclass(frozen=True)
class Api:
    """One of the two, and the credential for it."""

    root: str
    headers: dict[str, str]

    def call(self, method: str, path: str, body: dict[str, Any] | None = None) -> Any:
        """The JSON that is answered. Waits where it is told to wait; raises NotPosted."""
        data = None if body is None else json.dumps(body).encode()
        headers = {**self.headers, "Content-Type": "application/json", "User-Agent": "rollback-watchdog"}
        why = ""
        for attempt in range(TRIES):
            request = urllib.request.Request(self.root + path, data, headers, method=method)
            try:
                with urllib.request.urlopen(request, timeout=15) as answer:
                    return json.loads(answer.read() or b"null")
            except urllib.error.HTTPError as error:
                why, pause = _refused(method, error), _pause(error, attempt)
                if pause is None:
                    break
            except ValueError as error:
                raise NotPosted(f"{method} {path}: no JSON was answered ({error})") from error
            except OSError as error:
                why, pause = f"{method} {path}: {error}", 2.0**attempt
            if attempt + 1 < TRIES:
                time.sleep(pause)
        raise NotPosted(why)


def _refused(method: str, error: urllib.error.HTTPError) -> str:
    detail = ""
    try:
        found = json.loads(error.read(4096))
        detail = str(found.get("message") or found.get("error") or "") if isinstance(found, dict) else ""
    except (OSError, ValueError):
        detail = str(error.reason)
    hint = {
        401: "; the token is wrong or has expired",
        403: "; the token may not write comments: a pull request from a fork gets one that can only read",
        404: "; the token cannot see the pull request, or there is none of that number",
    }.get(error.code, "")
    limited = _is_limited(error)
    return f"{method}: {error.code} {detail}{'; the rate limit is used up' if limited else hint}"


def _is_limited(error: urllib.error.HTTPError) -> bool:
    spent = error.headers.get("X-RateLimit-Remaining") == "0" or error.headers.get("Retry-After") is not None
    return error.code == 429 or (error.code == 403 and spent)


def _pause(error: urllib.error.HTTPError, attempt: int) -> float | None:
    """Seconds until another try makes sense; None: it would be answered the same, or only in an hour."""
    if not _is_limited(error) and error.code < 500:
        return None
    asked = error.headers.get("Retry-After")
    if asked is None and error.headers.get("X-RateLimit-Remaining") == "0":
        reset = float(error.headers.get("X-RateLimit-Reset") or 0)
        pause = reset - time.time()
    elif asked is None:
        pause = 2.0**attempt
    elif asked.strip().isdigit():
        pause = float(asked)
    else:
        try:
            pause = parsedate_to_datetime(asked).timestamp() - time.time()
        except ValueError:
            pause = 2.0**attempt
    return max(0.0, pause) if pause <= LONGEST_WAIT else None


@dataclass(frozen=True)
class Place:
    """Where the comments of a pull request are, in the words of one API."""

    api: Api
    comments: str  # the path of the list
    one: str  # the path of a comment, with {id}
    update: str  # the method
    author: str
    limit: int

    def all(self) -> Iterator[dict[str, Any]]:
        """Every comment, page by page."""
        for page in range(1, PAGES + 1):
            found = self.api.call("GET", f"{self.comments}?per_page={PER_PAGE}&page={page}")
            if not isinstance(found, list):
                raise NotPosted(f"GET {self.comments}: a list was expected")
            yield from found
            if len(found) < PER_PAGE:
                return

    def post(self, text: str) -> str:
        """Update the comment that is there, else make one; what was done."""
        body = fitted(f"{MARKER}\n{text}", self.limit)
        for comment in self.all():
            if str(comment.get("body") or "").startswith(MARKER) and _author(comment) == self.author:
                self.api.call(self.update, self.one.format(id=comment["id"]), {"body": body})
                return "updated"
        self.api.call("POST", self.comments, {"body": body})
        return "posted"


def _author(comment: dict[str, Any]) -> str:
    by = comment.get("user") or comment.get("author") or {}
    return str(by.get("login") or by.get("username") or "")


def github() -> Place:
    """From the variables that GitHub Actions sets, and PULL_REQUEST."""
    token = _needed("GITHUB_TOKEN", "a pull request from a fork has none that could write")
    repository, number = _needed("GITHUB_REPOSITORY"), _needed("PULL_REQUEST")
    root = os.environ.get("GITHUB_API_URL", "https://api.github.com").rstrip("/")
    headers = {
        "Authorization": f"Bearer {token}",
        "Accept": "application/vnd.github+json",
        "X-GitHub-Api-Version": "2022-11-28",
    }
    base = f"/repos/{quote(repository)}/issues"
    author = os.environ.get("COMMENT_AUTHOR", "github-actions[bot]")
    comments, one = f"{base}/{quote(number, safe='')}/comments", base + "/comments/{id}"
    return Place(Api(root, headers), comments, one, "PATCH", author, GITHUB_LIMIT)


def gitlab() -> Place:
    """From the variables that GitLab CI sets, and a GITLAB_TOKEN with the scope `api`: CI_JOB_TOKEN cannot comment."""
    token = _needed("GITLAB_TOKEN", "a fork's pipeline has none; CI_JOB_TOKEN cannot write comments")
    root = _needed("CI_API_V4_URL").rstrip("/")
    project, number = _needed("CI_PROJECT_ID"), _needed("CI_MERGE_REQUEST_IID")
    api = Api(root, {"PRIVATE-TOKEN": token})
    notes = f"/projects/{quote(project, safe='')}/merge_requests/{quote(number, safe='')}/notes"
    author = os.environ.get("COMMENT_AUTHOR") or str((api.call("GET", "/user") or {}).get("username", ""))
    return Place(api, notes, notes + "/{id}", "PUT", author, GITLAB_LIMIT)


def _needed(name: str, hint: str = "") -> str:
    value = os.environ.get(name, "")
    if not value:
        raise NotPosted(f"{name} is not set" + (f": {hint}" if hint else ""))
    return value


def fitted(body: str, limit: int) -> str:
    """The body within the limit, in characters: cut at the end of a line, with what was open closed again."""
    if len(body) <= limit:
        return body
    tail = "\n\n_Cut here: the whole report is in the job's summary and log._\n"
    kept = body[: limit - len(tail) - 200]
    kept = kept[: kept.rfind("\n") + 1] or kept
    if sum(line.lstrip().startswith("```") for line in kept.splitlines()) % 2:
        kept = kept.rstrip("\n") + "\n```\n"
    kept += "\n</details>" * max(0, kept.count("<details") - kept.count("</details>"))
    return kept + tail


def main() -> int:
    """0, also where nothing could be posted; 2 where FILE cannot be read; 1 with --strict."""
    parser = argparse.ArgumentParser()
    parser.add_argument("file", type=Path)
    parser.add_argument("--strict", action="store_true", help="fail where the comment cannot be posted")
    asked = parser.parse_args()
    try:
        text = asked.file.read_text(encoding="utf-8", errors="replace").strip()
    except OSError as error:
        print(f"comment: {asked.file} cannot be read: {error.strerror}", file=sys.stderr)
        return 2
    if not text:
        print(f"comment: {asked.file} is empty; there is nothing to post")
        return 0
    summarize(text)
    try:
        place = gitlab() if os.environ.get("GITLAB_CI") else github()
        print(f"comment: {place.post(text)}")
    except NotPosted as error:
        annotate("warning", "the comment was not posted", str(error))
        return 1 if asked.strict else 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
