#!/usr/bin/env python3
"""Tells a channel how a release went: notify.py, with NOTIFY_URL (a Slack-compatible webhook) and the facts set.

A channel that is not there, or does not answer, is said in the log and fails nothing: the release is decided.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request

TRIES = 3
PAUSE = float(os.environ.get("NOTIFY_PAUSE", "2"))


def sentence() -> str:
    """One line that is the whole story."""
    facts = {name: " ".join(os.environ.get(name, "").split()) for name in _FACTS}
    went = {"success": "released", "failure": "FAILED", "cancelled": "was cancelled"}.get(
        facts["STATUS"], facts["STATUS"]
    )
    line = f"{facts['SERVICE']} {facts['VERSION']} to {facts['ENVIRONMENT']}: {went}"
    if facts["OUTCOME"] not in ("", "passed"):
        line += f" ({facts['OUTCOME']}: {facts['DETAIL']})" if facts["DETAIL"] else f" ({facts['OUTCOME']})"
    return " ".join(filter(None, (line, facts["LINK"], facts["RUN_URL"])))


_FACTS = ("SERVICE", "VERSION", "ENVIRONMENT", "STATUS", "OUTCOME", "DETAIL", "LINK", "RUN_URL")


def main() -> int:
    """Always 0."""
    line, url = sentence(), os.environ.get("NOTIFY_URL", "")
    print(line)
    if not url.startswith(("https://", "http://")):
        print("notify: no NOTIFY_URL is set, so nobody was told", file=sys.stderr)
        return 0
    body = json.dumps({"text": line}).encode()
    why = ""
    for attempt in range(TRIES):
        if attempt:
            time.sleep(PAUSE * attempt)
        try:
            request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
            with urllib.request.urlopen(request, timeout=10):
                return 0
        except (urllib.error.URLError, OSError, ValueError) as error:
            why = str(error)  # without the URL: it is a secret
            if isinstance(error, urllib.error.HTTPError) and error.code < 500 and error.code != 429:
                break
    print(f"notify: the channel did not take it ({why})", file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
