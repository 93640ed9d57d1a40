"""docs/init.md shows what `init` really writes: the example is written anew, and only its numbers may differ.

When the writer's words change, `python -m pytest` prints the new example; it belongs between the fences of the page.
"""

import re
from dataclasses import replace
from pathlib import Path

from survey.first_looks import first_look
from town import GOOD, NAMESPACE, Town

PAGE = Path(__file__).parents[2] / "docs" / "init.md"
EXAMPLE = re.compile(r"```toml\n(# First rules.*?)```", re.DOTALL)
ARGO = {"argocd.argoproj.io/tracking-id": "shop:apps/Deployment:production/checkout"}


def furnish(here: Town) -> None:
    here.furnish("research", "brand")
    here.behaves("gateway:v1", dialect="express")
    here.behaves("gateway:v2", dialect="express")
    for colour, tag in (("blue", "v1"), ("green", "v2")):
        labels = {"app": "gateway", "colour": colour}
        here.cluster.deploy(NAMESPACE, f"gateway-{colour}", f"gateway:{tag}", replicas=2, pod_labels=labels)
    here.cluster.service(NAMESPACE, "gateway", {"app": "gateway", "colour": "blue"})
    here.behaviours["checkout:v1"] = replace(GOOD, requests_per_second=0.35)
    here.cluster.deploy(NAMESPACE, "checkout", "checkout:v1", replicas=2, annotations=ARGO)
    here.cluster.service(NAMESPACE, "checkout")
    here.cluster.deploy(NAMESPACE, "mailer", "mailer:v1", replicas=1)


def without_numbers(text: str) -> str:
    """The words alone, however the lines are broken."""
    return re.sub(r"\d+(\.\d+)?", "N", " ".join(text.replace("#", " ").split()))


def test_the_page_shows_what_is_written() -> None:
    written = first_look(furnish).text
    shown = EXAMPLE.search(PAGE.read_text(encoding="utf-8"))
    assert shown is not None, written
    assert without_numbers(shown[1]) == without_numbers(written), written
