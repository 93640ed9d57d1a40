"""Runs one program and ends it when whoever asked for it is gone: `keeper.py GRACE_SECONDS PROGRAM ARGS...`.

The keeper's standard input is a pipe that only the test process holds. When that process closes it, or dies of
anything at all (SIGKILL included), the pipe ends, and the keeper ends the program: SIGTERM, then SIGKILL. Should
the keeper itself be killed, the kernel kills the program (PR_SET_PDEATHSIG). That signal alone would not do: it
is sent when the *thread* that started the program ends, and a keeper has one thread, a test process has many.
"""

import ctypes
import os
import select
import signal
import subprocess
import sys

PR_SET_PDEATHSIG = 1


def main() -> int:
    grace, command = float(sys.argv[1]), sys.argv[2:]
    libc = ctypes.CDLL(None, use_errno=True)
    keeper = os.getpid()

    def die_with_the_keeper() -> None:
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != keeper:  # it died before we asked
            os._exit(1)

    program = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        preexec_fn=die_with_the_keeper,  # noqa: PLW1509  # safe: there is no second thread here
    )
    ended = os.pidfd_open(program.pid)
    ready, _, _ = select.select([sys.stdin, ended], [], [])
    if ended not in ready:
        program.terminate()
        try:
            program.wait(grace)
        except subprocess.TimeoutExpired:
            program.kill()
    return program.wait()


if __name__ == "__main__":
    sys.exit(main())
