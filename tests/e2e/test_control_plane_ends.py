"""Whatever becomes of the tests, the programs that they started end."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from e2e.controlplane import build
from e2e.controlplane.plane import ControlPlane
from e2e.controlplane.processes import wait_until


def test_nothing_outlives_the_control_plane(audited: ControlPlane, tmp_path: Path):
    programs = build.find()
    assert isinstance(programs, build.Programs)
    with ControlPlane(programs, tmp_path) as second:
        pids = [pid for child in second.children for pid in child.pids]
        assert len(pids) == 10  # five programs and their keepers
        assert second.admin.server != audited.admin.server
    assert not any(is_alive(pid) for pid in pids)


def test_nothing_outlives_tests_that_are_killed(tmp_path: Path):
    victim = subprocess.Popen(
        [sys.executable, "-c", KILLED_MIDWAY, str(Path(__file__).parents[1]), str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
    )
    with victim:
        assert victim.stdout is not None
        pids = [int(pid) for pid in victim.stdout.readline().split()]
        assert len(pids) == 4
        assert all(is_alive(pid) for pid in pids)
        victim.send_signal(signal.SIGKILL)

    wait_until(lambda: not any(is_alive(pid) for pid in pids), "the end of what it had started", [])


KILLED_MIDWAY = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from e2e.controlplane.processes import Child
children = [Child(name, ["sleep", "600"], Path(sys.argv[2])) for name in ("one", "two")]
while sum(len(child.pids) for child in children) < 4:
    time.sleep(0.05)
print(*(pid for child in children for pid in child.pids), flush=True)
time.sleep(600)
"""


def is_alive(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return "State:\tZ" not in status  # a dead one whose parent has not asked yet is dead
