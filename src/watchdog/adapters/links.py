"""Links to other people's pages."""

import re
from datetime import datetime, timedelta
from urllib.parse import urlencode

_RAW = re.compile(r"\]\s*$")
_LONGEST = 6000  # characters of a query: browsers and proxies cut longer addresses


def prometheus_link(public_url: str | None, query: str, at: datetime | None) -> str:
    """The query on Prometheus's own page at `at`; "" where there is none to link to.

    As a graph that ends shortly after; a range of raw samples cannot be drawn, and is shown as a table.
    """
    if not public_url or len(query) > _LONGEST:
        return ""
    asked = {"g0.expr": query, "g0.tab": "1" if _RAW.search(query) else "0", "g0.range_input": "30m"}
    if at is not None:
        asked["g0.end_input"] = f"{at + timedelta(minutes=5):%Y-%m-%d %H:%M:%S}"
        asked["g0.moment_input"] = f"{at:%Y-%m-%d %H:%M:%S}"
    return f"{public_url}/graph?{urlencode(asked, errors='replace')}"


def single_queries(asked: str) -> list[str]:
    """The queries that were asked together, as a record joins them with `; `; one within a label's value stays."""
    queries, quote, begin, index = [], "", 0, 0
    while index < len(asked):
        char = asked[index]
        if quote:
            index += char == "\\" and quote != "`"
            quote = "" if char == quote else quote
        elif char in "\"'`":
            quote = char
        elif char == ";":
            queries.append(asked[begin:index].strip())
            begin = index + 1
        index += 1
    return [query for query in (*queries, asked[begin:].strip()) if query]
