"""How many pods must fail before the revision does."""

SMALL = 5
SHARE = 0.2


def enough_pods(failing: int, pods: int) -> bool:
    """Any one pod of up to five; of more than five, at least 20 % of them."""
    return failing > 0 and (pods <= SMALL or failing >= SHARE * pods)
