"""A runner of the workflow's scripts: a repository, and programs that stand in for others."""

import json
import os
import subprocess
from pathlib import Path

from ci.workflows import SCRIPTS

TWO = {
    "registry": "registry.example",
    "shared": ["libs/"],
    "services": {"gateway": {"path": "services/gateway"}, "agent": {"path": "services/agent"}},
}


class Runner:
    """A folder with a repository, programs that stand in for others, and what the scripts hand on."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.bin, self.outputs = folder, folder / ".bin", folder / ".outputs"
        self.summary = folder / ".summary"
        self.bin.mkdir()
        (folder / "services.json").write_text(json.dumps(TWO))

    def program(self, name: str, script: str) -> None:
        """A stand-in, in sh; it notes how it was called."""
        path = self.bin / name
        path.write_text(f'#!/bin/sh\necho "{name} $*" >>"{self.folder}/.calls"\n{script}\n')
        path.chmod(0o755)

    def call(self, script: str, *words: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run it."""
        return subprocess.run(
            [SCRIPTS / script, *words],
            cwd=self.folder,
            check=False,
            capture_output=True,
            text=True,
            env={
                "PATH": f"{self.bin}:{os.environ['PATH']}",
                "HOME": str(self.folder),
                "SERVICES_FILE": str(self.folder / "services.json"),
                "GITHUB_OUTPUT": str(self.outputs),
                "GITHUB_STEP_SUMMARY": str(self.summary),
                **variables,
            },
        )

    def git(self, *words: str) -> str:
        command = ["git", "-c", "user.name=ann", "-c", "user.email=ann@example.com", *words]
        return subprocess.run(command, cwd=self.folder, check=True, capture_output=True, text=True).stdout.strip()

    def commit(self, *paths: str) -> str:
        """Touch these files and commit; the commit."""
        for path in paths:
            file = self.folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(file.read_text() + "x" if file.exists() else "x")
        self.git("add", *paths)
        self.git("commit", "--quiet", "-m", "change")
        return self.git("rev-parse", "HEAD")

    @property
    def calls(self) -> list[str]:
        found = self.folder / ".calls"
        return found.read_text().splitlines() if found.exists() else []

    @property
    def handed_on(self) -> dict[str, str]:
        return dict(line.split("=", 1) for line in self.outputs.read_text().splitlines())
