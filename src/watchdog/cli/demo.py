"""`watchdog demo`: the whole main job on the simulator."""

import io
import os
import re
import sys
from pathlib import Path

import click


@click.command("demo")
@click.option("--keep", is_flag=True, help="Go on after the outcomes, and say how the other verbs meet it.")
@click.option("--fast", is_flag=True, help="On a clock that jumps: as fast as this machine can.")
@click.option("--svg", type=click.Path(dir_okay=False, path_type=Path), help="Also save what is shown as a picture.")
def verb(keep: bool, fast: bool, svg: Path | None) -> None:
    """Release three of five services on a simulated cluster: a good one, a bad one, a flip to a slow colour.

    Nothing outside this process is touched. Exits 1 when an outcome is not the expected one.
    """
    from rich._export_format import CONSOLE_SVG_FORMAT  # noqa: PLC0415 - after --help
    from rich.console import Console  # noqa: PLC0415

    from watchdog.cli.common import fail  # noqa: PLC0415
    from watchdog.demo.running import run_demo  # noqa: PLC0415

    if keep and fast:
        fail("--keep and --fast do not go together: the fast clock would never stand still", 2)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows no line drawing still shows the outcomes
    if svg and not svg.absolute().parent.is_dir():
        fail(f"{svg.parent} is no directory to save the picture in", 2)
    console = Console(record=svg is not None)
    if svg or not (console.is_terminal or os.environ.get("COLUMNS")):
        console.width = 130  # a picture or a log has no edge to keep within
    right = run_demo(console, keep=keep, fast=fast)
    if svg:
        # Without the fonts that rich would fetch from elsewhere: a picture in a repository needs nobody's network.
        plain = re.sub(r"@font-face \{\{.*?\}\}\n", "", CONSOLE_SVG_FORMAT, flags=re.DOTALL)
        console.save_svg(str(svg), title="watchdog demo", code_format=plain)
    if not right:
        raise SystemExit(1)
