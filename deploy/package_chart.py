"""Packages the Helm chart, so that Helm takes the archive for one of its own; the same bytes each time.

python deploy/package_chart.py DIRECTORY
"""

import gzip
import io
import re
import sys
import tarfile
from pathlib import Path

CHART = Path(__file__).parent / "helm" / "rollback-watchdog"


def packaged() -> bytes:
    """The gzipped archive: every file of the chart but hidden ones, by name, without owners and times."""
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for path in sorted(each for each in CHART.rglob("*") if each.is_file() and not each.name.startswith(".")):
            entry = tarfile.TarInfo(str(path.relative_to(CHART.parent)))
            entry.size, entry.mode = path.stat().st_size, 0o644
            tar.addfile(entry, io.BytesIO(path.read_bytes()))
    return gzip.compress(archive.getvalue(), mtime=0)


def version() -> str:
    """The chart's own."""
    found = re.search(r"^version: (\S+)$", (CHART / "Chart.yaml").read_text(), re.MULTILINE)
    assert found is not None
    return found[1]


def main(directory: Path) -> None:
    """Write it as `NAME-VERSION.tgz`, the name that Helm knows it by."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / f"{CHART.name}-{version()}.tgz").write_bytes(packaged())


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: package_chart.py DIRECTORY")
    main(Path(sys.argv[1]))
