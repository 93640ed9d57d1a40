"""Since when nobody else can have led, by what a lease says of its holders."""

import pytest

from watchdog.adapters.kubernetes.alone import Alone, Json


def _lease(holder: str, transitions: int = 0, uid: str = "u") -> Json:
    return {"metadata": {"uid": uid}, "spec": {"holderIdentity": holder, "leaseTransitions": transitions}}


ME, OTHER, FREE = "me", "other", ""
SEEN: dict[str, tuple[list[Json | None], float | None]] = {
    "nothing was seen": ([], None),
    "there is none, and it makes one": ([None, _lease(ME)], 0),
    "it renews": ([None, _lease(ME), _lease(ME), _lease(ME)], 0),
    "a free one is taken": ([_lease(FREE, 3), _lease(ME, 4)], 0),
    "it gives it back and takes it again": ([_lease(FREE, 3), _lease(ME, 4), _lease(FREE, 4), _lease(ME, 5)], 0),
    "somebody holds it": ([_lease(OTHER, 3)], None),
    "it takes what another has let expire": ([_lease(OTHER, 3), _lease(ME, 4), _lease(ME, 4)], 1),
    "another had it in between, and was seen": ([_lease(ME, 4), _lease(OTHER, 5), _lease(ME, 6)], 2),
    "another had it in between, and was not seen": ([_lease(ME, 4), _lease(FREE, 5), _lease(ME, 6)], 1),
    "two takes, of which one is not its own": ([_lease(ME, 4), _lease(ME, 6)], 1),
    "it was deleted under its holder": ([_lease(ME, 4), None, _lease(ME, 0, "v")], 1),
    "another one of the name": ([_lease(ME, 4), _lease(ME, 4, "v")], 1),
    "a free one that another made": ([None, _lease(FREE, 1)], 1),
    "somebody took it from the holder": ([_lease(ME, 4), _lease(OTHER, 5)], None),
}


@pytest.mark.parametrize("what", SEEN)
def test_since_when_nobody_else_can_have_led(what: str) -> None:
    looks, since = SEEN[what]
    alone = Alone(ME)
    for moment, lease in enumerate(looks):
        alone.saw(lease, float(moment))
    assert alone.since == since
