"""The metric dialects that come with the watchdog: what each exporter calls its requests, errors and latency.

Each preset gives `http_error_rate` and `http_latency`, and the container metrics of cAdvisor, `cpu` and `memory`.
"""

from collections.abc import Mapping

from watchdog.domain.conditions import Dimension, GaugeMetric, HistogramMetric, Metric, RateMetric, RatioMetric
from watchdog.domain.rules import SIDECARS

RATIO_FLOOR = 0.005
LATENCY_FLOOR = 0.010
CPU_FLOOR = 0.05
MEMORY_FLOOR = 32 * 2.0**20

_PODS = 'namespace="{{ namespace }}", pod=~"{{ pods }}"'
_OPENTELEMETRY = 'k8s_namespace_name="{{ namespace }}", k8s_pod_name=~"{{ pods }}"'
_ISTIO = f'reporter="destination", {_PODS}'
_LINKERD = f'direction="inbound", {_PODS}'
_NGINX = 'namespace="{{ namespace }}", service="{{ name }}"'
_TRAEFIK = 'service=~"{{ namespace }}-{{ name }}-[^@]+@kubernetes.*"'


def _http(  # the two metrics that every dialect gives
    bad: str, total: str, buckets: str, scale: float = 1.0
) -> Mapping[str, Metric]:
    return {
        "http_error_rate": RatioMetric("http_error_rate", bad, total, RATIO_FLOOR),
        "http_latency": HistogramMetric("http_latency", buckets, LATENCY_FLOOR, scale),
    }


_DIALECTS: Mapping[str, Mapping[str, Metric]] = {
    # prometheus-fastapi-instrumentator: statuses are grouped ("5xx"); the fine histogram is the "highr" one.
    "fastapi": _http(
        f'http_requests_total{{{_PODS}, status=~"5.."}}',
        f"http_requests_total{{{_PODS}}}",
        f"http_request_duration_highr_seconds_bucket{{{_PODS}}}",
    ),
    # express-prom-bundle: the histogram counts the requests.
    "express": _http(
        f'http_request_duration_seconds_count{{{_PODS}, status_code=~"5.."}}',
        f"http_request_duration_seconds_count{{{_PODS}}}",
        f"http_request_duration_seconds_bucket{{{_PODS}}}",
    ),
    # Semantic conventions 1.23 and later, with the resource attributes k8s.* promoted to labels.
    "opentelemetry": _http(
        f'http_server_request_duration_seconds_count{{{_OPENTELEMETRY}, http_response_status_code=~"5.."}}',
        f"http_server_request_duration_seconds_count{{{_OPENTELEMETRY}}}",
        f"http_server_request_duration_seconds_bucket{{{_OPENTELEMETRY}}}",
    ),
    "istio": _http(
        f'istio_requests_total{{{_ISTIO}, response_code=~"5.."}}',
        f"istio_requests_total{{{_ISTIO}}}",
        f"istio_request_duration_milliseconds_bucket{{{_ISTIO}}}",
        0.001,
    ),
    "linkerd": _http(
        f'response_total{{{_LINKERD}, classification="failure"}}',
        f"response_total{{{_LINKERD}}}",
        f"response_latency_ms_bucket{{{_LINKERD}}}",
        0.001,
    ),
    # An ingress controller counts by Service, never by pod: revisions are told apart by time alone.
    "nginx-ingress": _http(
        f'nginx_ingress_controller_requests{{{_NGINX}, status=~"5.."}}',
        f"nginx_ingress_controller_requests{{{_NGINX}}}",
        f"nginx_ingress_controller_request_duration_seconds_bucket{{{_NGINX}}}",
    ),
    "traefik": _http(
        f'traefik_service_requests_total{{{_TRAEFIK}, code=~"5.."}}',
        f"traefik_service_requests_total{{{_TRAEFIK}}}",
        f"traefik_service_request_duration_seconds_bucket{{{_TRAEFIK}}}",
    ),
}

_HIGHR = (0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 1.5, 2, 2.5, 3, 3.5, 4, 4.5, 5, 7.5, 10, 30, 60)
_CLIENT_DEFAULTS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
BUCKETS: Mapping[str, tuple[float, ...]] = {
    "fastapi": _HIGHR,
    "express": (0.003, 0.03, 0.1, 0.3, 1.5, 10),
    "opentelemetry": (0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10),
    "istio": (0.0005, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 600, 1800, 3600),
    "linkerd": tuple(step * unit for unit in (0.001, 0.01, 0.1, 1, 10) for step in (1, 2, 3, 4, 5)),
    "nginx-ingress": _CLIENT_DEFAULTS,
    "traefik": (0.1, 0.3, 1.2, 5),
}
"""The bounds, in seconds, that each dialect's latency histogram has unless it was told others."""

PRESETS = tuple(_DIALECTS)
METRICS = ("http_error_rate", "http_latency", "cpu", "memory")


def preset(name: str, containers: tuple[str, ...] | None = None) -> dict[str, Metric]:
    """A dialect's metrics; cpu and memory count the named containers (default: all but the sidecars)."""
    return {**_DIALECTS[name], **_container_metrics(containers)}


def _container_metrics(containers: tuple[str, ...] | None) -> dict[str, Metric]:
    # cAdvisor also has a series for the whole pod (container="") and, with some runtimes, one for its sandbox (POD).
    kept = f'container=~"{"|".join(containers)}"' if containers else f'container!~"{"|".join(("", "POD", *SIDECARS))}"'
    memory = f"sum by (namespace, pod) (container_memory_working_set_bytes{{{_PODS}, {kept}}})"
    return {
        "cpu": RateMetric("cpu", f"container_cpu_usage_seconds_total{{{_PODS}, {kept}}}", CPU_FLOOR, Dimension.CORES),
        "memory": GaugeMetric("memory", memory, MEMORY_FLOOR, Dimension.BYTES),
    }


def inherited(name: str, kind: type[Metric], dimension: Dimension) -> float | None:
    """The floor that an own table inherits by bearing a preset metric's name, kind and dimension."""
    known = preset(PRESETS[0]).get(name)
    return known.floor if isinstance(known, kind) and known.dimension is dimension else None


def dimension_of(name: str, kind: type[Metric]) -> Dimension:
    """What an own gauge or rate measures where it does not say so: as the preset's metric of that name and kind."""
    known = preset(PRESETS[0]).get(name)
    return known.dimension if isinstance(known, kind) else Dimension.PLAIN
