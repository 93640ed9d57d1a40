"""A server that keeps annotations as Grafana's published API does: found by tags, made, and changed.

https://grafana.com/docs/grafana/latest/developer-resources/api-reference/http-api/annotations/
"""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import jsonschema
from aiohttp import web

from serving import listening

TOKEN = "glsa_CANARY0123456789abcdef"
_FIELDS = {
    "text": {"type": "string", "minLength": 1},
    "time": {"type": "integer", "minimum": 1_000_000_000_000},  # milliseconds
    "timeEnd": {"type": "integer", "minimum": 1_000_000_000_000},
    "tags": {"type": "array", "items": {"type": "string", "minLength": 1, "maxLength": 100}},
}
CREATED = {
    "type": "object",
    "properties": {**_FIELDS, "dashboardUID": {"type": "string", "maxLength": 40}, "panelId": {"type": "integer"}},
    "required": ["text"],
    "additionalProperties": False,
}
PATCHED = {"type": "object", "properties": _FIELDS, "additionalProperties": False}
LONGEST_TAGS = 500  # characters of all tags as JSON, `tags_length` of Grafana's configuration


def complaints(body: Any, schema: dict[str, Any]) -> list[str]:
    """What Grafana would say to such a body."""
    found = [error.message for error in jsonschema.Draft202012Validator(schema).iter_errors(body)]
    if not found and len(json.dumps(body.get("tags", []))) > LONGEST_TAGS:
        found.append("tags are too long")
    if not found and body.get("timeEnd", body.get("time", 0)) < body.get("time", 0):
        found.append("it ends before it begins")
    return found


@dataclass
class StandInGrafana:
    """Its annotations, and what it was asked. `fails` answers the next requests instead."""

    port: int = 0
    kept: list[dict[str, Any]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    fails: list[web.Response] = field(default_factory=list)
    forgets_to_answer: bool = False  # the next annotation is made, and nobody hears of it

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked.append(f"{request.method} {request.path}")
        if self.fails:
            return self.fails.pop(0)
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return web.json_response({"message": "Invalid API key"}, status=401)
        match request.method:
            case "GET":
                return web.json_response(self._found(request))
            case "POST":
                return await self._created(request)
        return await self._patched(request)

    def _found(self, request: web.Request) -> list[dict[str, Any]]:
        tags, dashboard = set(request.query.getall("tags", [])), request.query.get("dashboardUID")
        assert request.query["type"] == "annotation"
        found = [one for one in self.kept if tags <= set(one["tags"])]
        if dashboard:
            found = [one for one in found if one["dashboardUID"] == dashboard]
        return found[: int(request.query.get("limit", 100))]

    async def _created(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if wrong := complaints(body, CREATED):
            return web.json_response({"message": f"bad request data: {wrong}"}, status=400)
        number = len(self.kept) + 1
        self.kept.append({"id": number, "alertId": 0, "dashboardUID": "", "panelId": 0, **body})
        if self.forgets_to_answer:
            self.forgets_to_answer = False
            assert request.transport is not None
            request.transport.abort()
        return web.json_response({"message": "Annotation added", "id": number})

    async def _patched(self, request: web.Request) -> web.StreamResponse:
        body = await request.json()
        if wrong := complaints(body, PATCHED):
            return web.json_response({"message": f"bad request data: {wrong}"}, status=400)
        for one in self.kept:
            if str(one["id"]) == request.match_info["id"]:
                one.update(body)
                return web.json_response({"message": "Annotation patched"})
        return web.json_response({"message": "Annotation not found"}, status=404)


@asynccontextmanager
async def a_grafana() -> AsyncIterator[StandInGrafana]:
    """One on a free port of loopback."""
    grafana = StandInGrafana()
    app = web.Application()
    app.router.add_route("GET", "/api/annotations", grafana.handle)
    app.router.add_route("POST", "/api/annotations", grafana.handle)
    app.router.add_route("PATCH", "/api/annotations/{id}", grafana.handle)
    async with listening(app) as grafana.port:
        yield grafana
