"""Slack and PagerDuty of the bench: a proxy that answers in their names, so that the real channels are in use.

python -m benchmarks.scale.standins PORT CERTIFICATE KEY
"""

import asyncio
import ssl
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.scale.lines import answering

HOSTS = ("hooks.slack.com", "events.pagerduty.com")
_SLACK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
_PAGERDUTY = b'HTTP/1.1 202 Accepted\r\nContent-Length: 20\r\n\r\n{"status":"success"}'


class StandIns:
    """What they were told, by host."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self._told: Counter[str] = Counter()
        self._tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._tls.load_cert_chain(certificate, key)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection: CONNECT, then requests inside TLS."""
        try:
            host = (await reader.readuntil(b"\r\n\r\n")).split(b" ")[1].decode().partition(":")[0]
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await writer.start_tls(self._tls)
            while head := await reader.readuntil(b"\r\n\r\n"):
                length = next(
                    int(line.partition(b":")[2]) for line in head.lower().split(b"\r\n") if b"content-length" in line
                )
                await reader.readexactly(length)
                self._told[host] += 1
                writer.write(_PAGERDUTY if "pagerduty" in host else _SLACK)
                await writer.drain()
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    async def answer(self, _request: Mapping[str, Any]) -> Any:
        """How often each was told."""
        return self._told


async def main() -> None:
    """Serve until standard input ends."""
    standins = StandIns(Path(sys.argv[2]), Path(sys.argv[3]))
    await asyncio.start_server(standins.serve, "127.0.0.1", int(sys.argv[1]))
    await answering(standins.answer)


if __name__ == "__main__":
    asyncio.run(main())
