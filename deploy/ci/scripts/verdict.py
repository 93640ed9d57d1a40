#!/usr/bin/env python3
"""Runs `watchdog wait` or `watchdog switch` and tells the pipeline what came of it: verdict.py wait TARGET [OPTION...].

Its progress is the step's log; the outcome and the link to the watch become the step's outputs, an annotation of the
run, and a line of its summary. Exits as the verb does, so that the job fails unless the release passed.
"""

import json
import os
import subprocess
import sys
from typing import Any

from services import annotate, hand_on, refuse, summarize

WORDS = {
    0: "passed",
    1: "the watchdog's records cannot be reached",
    2: "wrong usage",
    3: "rolled back",
    4: "not passed",
    5: "superseded by a newer release",
}


def last_object(text: str) -> dict[str, Any]:
    """The JSON object that the verb ended with; empty where it said none."""
    for line in reversed(text.splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return {}


def main(words: list[str]) -> int:
    """The verb's own exit code."""
    if len(words) < 2 or words[0] not in ("wait", "switch"):
        refuse("write `verdict.py wait TARGET ...` or `verdict.py switch SERVICE --to COLOUR ...`")
    program = os.environ.get("WATCHDOG", "watchdog")
    ran = subprocess.run([program, *words, "-o", "json"], check=False, stdout=subprocess.PIPE, text=True)
    told, code, target = last_object(ran.stdout), ran.returncode, words[1]
    watch = str(told.get("watch") or "")
    unwatched = "passed" if code == 0 else "refused" if code == 4 and not watch else "none"
    outcome = str(told.get("outcome") or unwatched)
    link = str(told.get("link") or "") or (f"watchdog explain {watch}" if watch else "")
    how = WORDS.get(code, f"exit code {code}")
    recovery = f", {told['recovery']}" if told.get("recovery") else ""
    reason = str(told.get("reason") or "the log of this step says why")
    hand_on(outcome=outcome, watch=watch, link=link, reason=reason)
    shown = f"[the watch]({link})" if link.startswith(("http://", "https://")) else f"`{link}`" if link else ""
    summarize(f"**{target}**: {how}{recovery}. {reason} {shown}".rstrip())
    if code:
        annotate("error", f"{target}: {how}{recovery}", " ".join(filter(None, (reason, link))))
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
