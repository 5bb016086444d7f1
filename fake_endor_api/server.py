"""The fake over HTTP."""

from __future__ import annotations

import asyncio
import json
import typing as t
from dataclasses import dataclass, field, replace
from email.utils import format_datetime

from aiohttp import web

from fake_endor_api.answers import Answers, rewritten
from fake_endor_api.behaviour import Behaviour
from fake_endor_api.control import add_control
from fake_endor_api.errors import ApiError, invalid_argument
from fake_endor_api.events import DEMO_NAMESPACE
from fake_endor_api.faults import Fault, Faults, Where
from fake_endor_api.listener import Listener
from fake_endor_api.pages import Page
from fake_endor_api.queries import ListQuery
from fake_endor_api.seen import Request
from fake_endor_api.store import Store
from fake_endor_api.times import utc_now
from fake_endor_api.tokens import Tokens

if t.TYPE_CHECKING:
    import ssl
    from collections.abc import Callable
    from datetime import datetime

    from typing_extensions import Self

DEMO_KEY = "endr+demo-key"
DEMO_SECRET = "endr+demo-secret"

_JSON = {"Content-Type": "application/json"}


@dataclass
class FakeEndorApi:
    """The API on a loopback port, run by a thread of its own while it is used as a context manager.

    Attributes:
        port: the port to listen on; 0: a free one.
        clock: tells the time of the server.
        key, secret: the only credentials that it knows.
        namespace: the one that exists even without an object.
        behaviour: what may be changed while it runs.
        tls: the certificate to show; None: plain http.
        store: the audit logs.
        sign_ins: the authentication logs.
        requests: all requests but those of the control endpoints, in the order they came in.
        tokens: the tokens that have been issued.
    """

    port: int = 0
    host: str = "127.0.0.1"
    clock: Callable[[], datetime] = utc_now
    key: str = DEMO_KEY
    secret: str = DEMO_SECRET
    namespace: str = DEMO_NAMESPACE
    behaviour: Behaviour = field(default_factory=Behaviour)
    tls: ssl.SSLContext | None = None

    def __post_init__(self) -> None:
        """Make what the server works on."""
        self.store, self.sign_ins = (
            Store(namespaces=[self.namespace], clock=self.clock, behaviour=self.behaviour) for _ in range(2)
        )
        self.requests: list[Request] = []
        self.tokens = Tokens()
        self._faults = Faults()
        self._answers = Answers()
        self._listener = Listener(self._application(), self.host, self.port, self.tls)

    @property
    def url(self) -> str:
        """The base URL."""
        return f"{'http' if self.tls is None else 'https'}://{self.host}:{self.port}"

    @property
    def list_requests(self) -> list[Request]:
        """The requests for events."""
        return [request for request in self.requests if "-logs" in request.path]

    @property
    def auth_requests(self) -> list[Request]:
        """The log-ins."""
        return [request for request in self.requests if request.path == "/v1/auth/api-key"]

    @property
    def faults_met(self) -> int:
        """How many requests have met a fault."""
        return self._faults.met

    def fail(  # noqa: PLR0913
        self,
        fault: Fault,
        *,
        where: Where = "list",
        times: int | None = 1,
        after: int = 0,
        since: str | None = None,
        when: str | None = None,
        share: float = 1.0,
        then: Callable[[], object] | None = None,
    ) -> None:
        """Let requests fail: `times` of them (None: all), after the next `after` have passed.

        With `since` that begins with the first answer that holds this text, with `when` it meets only answers that hold
        it, with `share` so many of them by chance; `then` is called each time.
        """
        self._faults.add(fault, where=where, times=times, after=after, since=since, when=when, share=share, then=then)

    def heal(self) -> None:
        """Forget all faults, and listen again."""
        self._faults.clear()
        self._listener.accept()

    def refuse_connections(self) -> None:
        """Drop all connections and accept no more, until it heals."""
        self._listener.refuse()

    def __enter__(self) -> Self:
        """Start listening."""
        self._listener.start()
        self.port = self._listener.port
        return self

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self._listener.stop()

    def _application(self) -> web.Application:
        app = web.Application()
        app.router.add_post("/v1/auth/api-key", self._handler("auth", self._log_in))
        app.router.add_get("/v1/auth", self._handler("auth", self._session))
        app.router.add_get("/v1/namespaces/{namespace}/audit-logs", self._handler("list", self._list))
        app.router.add_get("/v1/namespaces/{namespace}/audit-logs/archived", self._handler("list", self._list))
        app.router.add_get("/v1/namespaces/{namespace}/authentication-logs", self._handler("list", self._list))
        add_control(app, self.store, self.requests, self.namespace)
        return app

    def _handler(
        self, where: Where, answer: Callable[[web.Request], t.Awaitable[bytes]]
    ) -> Callable[[web.Request], t.Awaitable[web.StreamResponse]]:
        async def handle(request: web.Request) -> web.StreamResponse:
            seen = Request(request.method, request.path, dict(request.query), dict(request.headers), self.clock())
            self.requests.append(seen)
            response = await self._answer(request, where, answer)
            seen.status = response.status
            return response

        return handle

    async def _answer(
        self, request: web.Request, where: Where, answer: Callable[[web.Request], t.Awaitable[bytes]]
    ) -> web.StreamResponse:
        fault = self._faults.next(where)
        if self.behaviour.latency:
            await asyncio.sleep(self.behaviour.latency)
        try:
            _raise_refusal(fault)
            if self.behaviour.refuses_request_timeout and "Request-Timeout" in request.headers:
                raise invalid_argument("invalid Request-Timeout")
            body = await answer(request)
            fault = fault or self._faults.next(where, body)
            _raise_refusal(fault)
        except ApiError as error:
            return self._response(error.body(), request, status=error.status, headers=error.headers)
        status = self.behaviour.log_in_status if request.path == "/v1/auth/api-key" else 200
        return (
            self._response(body, request, status=status) if fault is None else await self._faulty(fault, body, request)
        )

    def _response(
        self, body: bytes, request: web.Request, *, status: int = 200, headers: t.Mapping[str, str] | None = None
    ) -> web.Response:
        response = web.Response(body=body, status=status, headers={**_JSON, **(headers or {})})
        if self.behaviour.date_header:
            response.headers["Date"] = format_datetime(self.clock().replace(microsecond=0), usegmt=True)
        else:
            # aiohttp adds the header where there is none; an empty one is as good as none.
            response.headers["Date"] = ""
        if self.behaviour.gzip and "gzip" in request.headers.get("Accept-Encoding", ""):
            response.enable_compression(web.ContentCoding.gzip)
        if self.tls is not None:
            # The event loop would wait long for a client that leaves its connection open.
            response.force_close()
        return response

    async def _faulty(self, fault: Fault, body: bytes, request: web.Request) -> web.StreamResponse:
        if fault.kind == "stall":
            await asyncio.sleep(fault.seconds)
            return self._response(body, request)
        if fault.kind == "wrong encoding":
            return web.Response(body=body, headers={**_JSON, "Content-Encoding": "gzip"})
        if fault.kind == "truncated":
            return self._response(body[: len(body) // 2], request)
        if fault.kind in {"html", "empty", "raw"}:
            return self._response(fault.body, request)
        if fault.rewrite is not None:
            return self._response(rewritten(body, fault.rewrite), request)
        response = web.StreamResponse(headers={**_JSON, "Content-Length": str(len(body) + 1000)})
        if fault.kind in {"reset in body", "stall in body"}:
            await response.prepare(request)
            await response.write(body[: len(body) // 2])
            await asyncio.sleep(fault.seconds)
        if request.transport is not None:
            request.transport.abort()
        return response

    async def _log_in(self, request: web.Request) -> bytes:
        try:
            given = json.loads(await request.read())
        except ValueError:
            raise ApiError(400, "invalid body") from None
        if not isinstance(given, dict) or (given.get("key"), given.get("secret")) != (self.key, self.secret):
            raise ApiError(401, "invalid API key or secret")
        return json.dumps(self.tokens.issue(self.clock(), self.behaviour)).encode()

    async def _session(self, request: web.Request) -> bytes:
        token = self.tokens.check(request.headers.get("Authorization", ""), self.clock(), self.behaviour)
        return json.dumps({"token": token, **self.tokens.fields(token, self.behaviour)}).encode()

    async def _list(self, request: web.Request) -> bytes:
        if self.behaviour.rate_limit is not None:
            self.behaviour.rate_limit.check(self.clock())
        self.tokens.check(request.headers.get("Authorization", ""), self.clock(), self.behaviour)
        namespace = request.match_info["namespace"]
        if namespace in self.behaviour.denied_namespaces:
            raise ApiError(403, "permission denied")
        query = ListQuery.from_parameters(namespace, dict(request.query))
        way = None
        if request.path.endswith("/archived"):
            way = self.behaviour.archive_path
        elif query.archive:
            way = self.behaviour.archive_parameter
        if way is not None and self.behaviour.archive_denied:
            raise ApiError(403, "permission denied")
        if isinstance(way, int):
            raise ApiError(way, "not possible")
        if way == "empty":
            return self._answers.body(Page(count=0 if query.count else None), query, self.behaviour)
        query = replace(query, archive=way == "read")
        store = self.sign_ins if request.path.endswith("/authentication-logs") else self.store
        return self._answers.body(store.query(query), query, self.behaviour)


def _raise_refusal(fault: Fault | None) -> None:
    if fault is not None and fault.kind in {"status", "redirect"}:
        raise fault.error()
