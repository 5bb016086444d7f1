"""Endpoints that are not the API's: they let a script add events and see what there is."""

from __future__ import annotations

import json
import typing as t
from datetime import timedelta

from aiohttp import web

from fake_endor_api.events import make_events
from fake_endor_api.times import from_nanoseconds, to_nanoseconds

if t.TYPE_CHECKING:
    from fake_endor_api.store import Store


def add_control(app: web.Application, store: Store, requests: list[t.Any], namespace: str) -> None:
    """Add the endpoints to an application; new events are in a namespace and its children."""

    async def add_events(request: web.Request) -> web.Response:
        """Take `{"count": 250, "seconds": 30}`: as many new events, with times in those last seconds."""
        wanted = json.loads(await request.read())
        now = store.clock()
        start = to_nanoseconds(now - timedelta(seconds=wanted.get("seconds", 30)))
        latest = store.latest_time()
        start = min(max(start, latest + 1 if latest is not None else start), to_nanoseconds(now) - 1_000)
        events = make_events(wanted["count"], from_nanoseconds(start), now, seed=len(store), namespace=namespace)
        store.add(events)
        return web.json_response({"added": len(events), "events": len(store)})

    async def uuids(_: web.Request) -> web.Response:
        return web.json_response(store.uuids())

    async def stats(_: web.Request) -> web.Response:
        return web.json_response({"events": len(store), "requests": len(requests)})

    app.router.add_post("/_fake/events", add_events)
    app.router.add_get("/_fake/uuids", uuids)
    app.router.add_get("/_fake/stats", stats)
