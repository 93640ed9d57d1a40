#!/usr/bin/env python3
"""What a run is about: the environment, the services and their versions, as a build matrix.

BASE and HEAD are the commits to compare (BASE `release`: the last tag), ONLY names services whatever has changed
(`all`, or names with commas), ENVIRONMENT is where to. A service's version is the last commit that touched it (or what
all share), so that an image is built once and the same one goes to staging and to production. Without a base that git
knows (a first push, a forced one, no release yet) every service counts as changed: too much is tested then, never too
little.
"""

import json
import os
import subprocess
import sys

from services import hand_on, refuse, told

ENVIRONMENTS = ("staging", "production")


def git(*words: str) -> str:
    """Standard output of a git command; raises CalledProcessError."""
    return subprocess.run(["git", *words], check=True, capture_output=True, text=True).stdout


def known(ref: str) -> bool:
    """Whether git has that commit, and not the zeros that stand for "there was none"."""
    if not ref.strip("0"):
        return False
    asked = ["git", "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}"]
    return subprocess.run(asked, check=False, capture_output=True).returncode == 0


def last_release(head: str) -> str:
    """The tag before `head`; "" where there is none."""
    try:
        return git("describe", "--tags", "--abbrev=0", "--match", "v[0-9]*", f"{head}^").strip()
    except subprocess.CalledProcessError:
        return ""


def changed_files(base: str, head: str) -> list[str]:
    """The paths that differ, old and new names of moved files alike."""
    return git("diff", "--name-only", "--no-renames", "-z", base, head).split("\0")[:-1]


def version(paths: list[str], head: str) -> str:
    """The last commit that touched any of the paths, short; "" where none did."""
    commit = git("log", "-1", "--format=%H", head, "--", *paths).strip()
    return f"sha-{commit[:12]}" if commit else ""


def named(only: str) -> list[str]:
    """The services that a person asks for."""
    services = told()["services"]
    names = list(services) if only.strip() == "all" else [name.strip() for name in only.split(",") if name.strip()]
    for name in names:
        if name not in services:
            refuse(f"there is no service {name!r}; there are {', '.join(services)}")
    return names


def changed(base: str, head: str) -> list[str]:
    """The services that differ between two commits."""
    services, shared = told()["services"], tuple(told().get("shared", ()))
    if not known(base):
        print(f"plan: nothing to compare with ({base or 'no base'}): every service counts", file=sys.stderr)
        return list(services)
    files = changed_files(base, head)
    if any(file.startswith(shared) for file in files):
        return list(services)
    return [
        name
        for name, service in services.items()
        if any(file.startswith(service["path"].rstrip("/") + "/") for file in files)
    ]


def main() -> int:
    """Print the matrix, and hand it to the jobs that follow."""
    base, head = os.environ.get("BASE", ""), os.environ.get("HEAD") or "HEAD"
    only, environment = os.environ.get("ONLY", ""), os.environ.get("ENVIRONMENT") or "staging"
    if environment not in ENVIRONMENTS:
        refuse(f"there is no environment {environment!r}; there are {', '.join(ENVIRONMENTS)}")
    if not known(head):
        print(f"plan: git knows no commit {head!r} here; fetch the whole history", file=sys.stderr)
        return 1
    names = named(only) if only else changed(last_release(head) if base == "release" else base, head)
    include = []
    for name in names:
        path = told()["services"][name]["path"]
        if found := version([path, *told().get("shared", ())], head):
            include.append({"service": name, "version": found})
        else:
            print(f"plan: {path} is not in the repository; {name} is left out", file=sys.stderr)
    matrix = json.dumps({"include": include})
    print(matrix)
    hand_on(matrix=matrix, any="true" if include else "false", environment=environment)
    return 0


if __name__ == "__main__":
    sys.exit(main())
