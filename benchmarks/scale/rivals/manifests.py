"""What each controller is given: the same pods and the same metric, as its own documentation writes them.

Flagger: Blue/Green without a mesh. Argo Rollouts: blue-green with an analysis after the promotion. The analyses go on for
longer than the bench looks, and none fails.
"""

from collections.abc import Mapping
from typing import Any

from benchmarks.scale.plan import PART_OF, REPLICAS

Object = dict[str, Any]

_FLAGGERS = "flagger"  # the namespace of its MetricTemplate
_ROUNDS = 1000
_TEMPLATE = "error-ratio"
_RATIO = 'sum(rate(http_requests_total{{{pods},status="5xx"}}[1m])) / sum(rate(http_requests_total{{{pods}}}[1m]))'


def deployment(name: str, port: int) -> Object:
    """A target as people write it."""
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": name, "labels": PART_OF},
        "spec": _workload(name, port),
    }


def _workload(name: str, port: int) -> Object:
    container = {
        "name": "app",
        "image": "app:v1",
        "ports": [{"name": "http", "containerPort": port}],
        "resources": {"requests": {"cpu": "100m", "memory": "128Mi"}},
    }
    template = {
        "metadata": {"labels": {"app": name}},
        "spec": {"terminationGracePeriodSeconds": 0, "containers": [container]},
    }
    return {"replicas": REPLICAS, "selector": {"matchLabels": {"app": name}}, "template": template}


def _service(name: str, app: str, port: int) -> Object:
    ports = [{"port": 80, "targetPort": port}]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name},
        "spec": {"selector": {"app": app}, "ports": ports},
    }


def canary(name: str, port: int, interval: float) -> Object:
    """Flagger's, for a Deployment of that name."""
    metric = {
        "name": _TEMPLATE,
        "templateRef": {"name": _TEMPLATE, "namespace": _FLAGGERS},
        "thresholdRange": {"max": 5},
        "interval": "1m",
    }
    analysis = {"interval": f"{interval:g}s", "iterations": _ROUNDS, "threshold": _ROUNDS, "metrics": [metric]}
    return {
        "apiVersion": "flagger.app/v1beta1",
        "kind": "Canary",
        "metadata": {"name": name},
        "spec": {
            "provider": "kubernetes",
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": name},
            "progressDeadlineSeconds": 600,
            "service": {"port": port},
            "analysis": analysis,
        },
    }


def rollout(name: str, port: int) -> list[Object]:
    """Argo Rollouts' own workload and its Service."""
    arguments = [
        {"name": "namespace", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
        {"name": "hash", "valueFrom": {"podTemplateHashValue": "Latest"}},
    ]
    strategy = {
        "activeService": f"{name}-active",
        "autoPromotionEnabled": True,
        "postPromotionAnalysis": {
            "templates": [{"templateName": _TEMPLATE, "clusterScope": True}],
            "args": arguments,
        },
    }
    return [
        _service(f"{name}-active", name, port),
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "Rollout",
            "metadata": {"name": name},
            "spec": {**_workload(name, port), "strategy": {"blueGreen": strategy}},
        },
    ]


def metric_template(prometheus: str) -> list[Object]:
    """Flagger's question, and the namespace in which it lies."""
    pods = 'namespace="{{ namespace }}",pod=~"{{ target }}-[0-9a-zA-Z]+(-[0-9a-zA-Z]+)"'
    query = f"{_RATIO.format(pods=pods)} * 100"
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": _FLAGGERS}},
        {
            "apiVersion": "flagger.app/v1beta1",
            "kind": "MetricTemplate",
            "metadata": {"name": _TEMPLATE, "namespace": _FLAGGERS},
            "spec": {"provider": {"type": "prometheus", "address": prometheus}, "query": query},
        },
    ]


def analysis_template(prometheus: str, interval: float) -> Object:
    """Argo Rollouts' question. An empty answer is an error to it: so many are borne that no analysis ends by its first scrape."""
    pods = 'namespace="{{args.namespace}}",pod=~".*-{{args.hash}}-.*"'
    metric: Mapping[str, Any] = {
        "name": _TEMPLATE,
        "interval": f"{interval:g}s",
        "count": _ROUNDS,
        "failureLimit": 3,
        "consecutiveErrorLimit": 100,
        "successCondition": "result[0] <= 0.05",
        "provider": {"prometheus": {"address": prometheus, "query": _RATIO.format(pods=pods)}},
    }
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ClusterAnalysisTemplate",
        "metadata": {"name": _TEMPLATE},
        "spec": {"args": [{"name": "namespace"}, {"name": "hash"}], "metrics": [metric]},
    }
