"""Links to other people's pages."""

from datetime import datetime, timedelta
from urllib.parse import urlencode

_LONGEST = 6000  # characters of a query: browsers and proxies cut longer addresses


def prometheus_link(public_url: str | None, query: str, at: datetime | None) -> str:
    """The query as a graph of Prometheus's own page that ends shortly after `at`; "" where there is none to link to."""
    if not public_url or len(query) > _LONGEST:
        return ""
    asked = {"g0.expr": query, "g0.tab": "0", "g0.range_input": "30m"}
    if at is not None:
        asked["g0.end_input"] = f"{at + timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"
    return f"{public_url}/graph?{urlencode(asked)}"
