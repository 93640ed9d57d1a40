"""How faithful the competitors are: held to recordings of the real programs."""

from benchmarks.judge.page import Section
from benchmarks.judge.peers.__main__ import table
from benchmarks.judge.peers.recordings import place, recordings


def told() -> Section:
    """The section; it says so where the recordings are absent."""
    section = Section("How faithful the competitors are")
    folder = place()
    if folder is None:
        section.say("Skipped: the recordings are not beside this repository.")
        return section
    section.say(
        "Each recorded run of the real Flagger 1.36.1 and Argo Rollouts 1.10.1 is played to its model: the same scrapes in, and "
        "the same ending, to within one interval, expected out; once with the moment of the first check as recorded, once with it drawn as "
        "in the worlds above. Kayenta's classifier is held to vectors of its own classifications by a test.",
    )
    section.lines += [*table(tuple(recordings(folder))), ""]
    return section
