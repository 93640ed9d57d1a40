"""Certificates for tests, made by openssl: an authority, and what it signs for servers and clients on loopback."""

import subprocess
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path


@dataclass(frozen=True)
class Pair:
    """A certificate and its key, as files."""

    cert: Path
    key: Path


class Authority:
    """A CA of its own, in a folder."""

    def __init__(self, folder: Path, name: str = "ca") -> None:
        self._folder = folder
        self._name = name
        self._count = 0

    @cached_property
    def pair(self) -> Pair:
        """Its own certificate."""
        pair = self._files(self._name)
        # What Python's strict mode asks of a CA.
        more = ["-addext", "keyUsage=critical,keyCertSign,cRLSign"]
        _openssl("req", "-x509", *_NEW_KEY, "-keyout", pair.key, "-out", pair.cert, "-subj", f"/CN={self._name}", *more)
        return pair

    @property
    def file(self) -> Path:
        """What others trust."""
        return self.pair.cert

    def signs(self, name: str) -> Pair:
        """A certificate for 127.0.0.1 and localhost, and for a client of that name."""
        self._count += 1
        pair = self._files(f"{name}-{self._count}")
        request, extensions = pair.cert.with_suffix(".csr"), pair.cert.with_suffix(".ext")
        extensions.write_text(
            "subjectAltName=IP:127.0.0.1,DNS:localhost\nauthorityKeyIdentifier=keyid\nbasicConstraints=CA:FALSE\n"
        )
        _openssl("req", *_NEW_KEY, "-keyout", pair.key, "-out", request, "-subj", f"/CN={name}")
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.pair.cert, "-CAkey", self.pair.key, "-CAcreateserial",
            "-days", "2", "-extfile", extensions, "-out", pair.cert,
        )  # fmt: skip
        return pair

    def _files(self, name: str) -> Pair:
        return Pair(self._folder / f"{self._name}-{name}.crt", self._folder / f"{self._name}-{name}.key")


_NEW_KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2")


def _openssl(*arguments: str | Path) -> None:
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
