"""Where servers that speak Prometheus's API differ from it, as far as what the watchdog asks depends on it.

VictoriaMetrics answers an instant question about the last 30 seconds with what was 30 seconds ago, and leaves those
seconds out of a range, unless the question itself says otherwise; and it moves a range's steps to have them cached.
Prometheus, Thanos, Mimir and Cortex do not know these parameters and ignore them.
"""

from collections.abc import Mapping

AS_OF_NOW: Mapping[str, str] = {"nocache": "1", "latency_offset": "1ms"}
_STRICT = ".googleapis.com"  # refuses parameters that it does not know


def extra_of(host: str) -> Mapping[str, str]:
    """What every question says beside itself, to the server at `host`."""
    return {} if host.endswith(_STRICT) else AS_OF_NOW


def harmless(warning: object) -> bool:
    """Whether a warning is a remark on the query alone, and no data are missing.

    Prometheus keeps such remarks apart from warnings (`infos`); older Thanos queriers mix them.
    """
    return isinstance(warning, str) and warning.startswith("PromQL info:")
