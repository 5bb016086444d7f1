"""A fake API that is fast enough not to be what is measured; unlike that of the tests it checks next to nothing.

    python -m benchmarks.server --events 100000 --port-file port

A page of 500 events (0.5 MB) takes it about 1 ms of CPU time. `GET /_bench/stats` tells the requests, and the bytes
of the pages, since the last `POST /_bench/reset`; neither counts itself.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import signal
import time
import typing as t
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

from benchmarks.event_log import SHAPES, EventLog, make_times
from fake_endor_api.times import SECOND, parse_time

LARGEST_PAGE = 500
DEFAULT_PAGE = 100
_DAY = 86_400 * SECOND
_HOUR = 3_600 * SECOND
_BOUND = re.compile(r"meta\.create_time\s*(>=|>|<=|<)\s*date\(([^)]+)\)")
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_LOG_PATH = re.compile(r"/v1/namespaces/[^/]+/audit-logs(/archived)?")


class RefusedError(Exception):
    """A request that the API refuses; the text says why."""


def list_page(log: EventLog, query: dict[str, str]) -> bytes:
    """Give the body of the answer to a list request.

    Args:
        log: what to list.
        query: the request's parameters, without the prefix `list_parameters.`.

    Raises:
        RefusedError: a parameter can't be used.
    """
    if query.get("sort.path", "meta.create_time") != "meta.create_time" or query.get("sort.order", "").endswith("DESC"):
        raise RefusedError("this server sorts by ascending meta.create_time only")
    begin, end = _range_of(log, query.get("filter", ""))
    if query.get("archive") == "true":
        # All events are too young for it.
        begin = end
    if query.get("count") == "true":
        return b'{"count_response":{"count":%d}}' % (end - begin)
    first = begin + int(query.get("page_token") or 0)
    if page_id := query.get("page_id"):
        if "sort.path" in query:
            raise RefusedError("page id cannot be provided with sort method")
        first = max(begin, log.index_of_uuid(page_id) + 1)
    size = int(query.get("page_size") or 0) or DEFAULT_PAGE
    if not 0 < size <= LARGEST_PAGE:
        raise RefusedError(f"invalid page size: {size}")
    stop = min(first + size, end)
    objects = log.objects(first, stop)
    if stop >= end:
        return b'{"list":{"objects":[%b]}}' % objects
    more = b'{"next_page_token":%d,"next_page_id":"%b"}' % (stop - begin, log.uuid(stop - 1).encode())
    return b'{"list":{"objects":[%b],"response":%b}}' % (objects, more)


def _range_of(log: EventLog, condition: str) -> tuple[int, int]:
    """Give the first and the exclusive last index of the events that lie within a filter's times."""
    begin, end = 0, len(log)
    for operator, text in _BOUND.findall(condition):
        # Times are whole nanoseconds, so that `>` is `>=` one later.
        index = log.index_of_time(parse_time(text) + (operator in {">", "<="}))
        if operator.startswith(">"):
            begin = max(begin, index)
        else:
            end = min(end, index)
    return begin, max(begin, end)


class Api:
    """What the server answers.

    Args:
        log: the events.
        latency: seconds that each list request waits.
    """

    def __init__(self, log: EventLog, latency: float) -> None:
        self._log = log
        self._latency = latency
        self._requests = self._bytes = 0

    def answer(self, method: str, target: str) -> tuple[HTTPStatus, bytes, float]:
        """Give the status and the body of an answer, and the seconds until it is sent."""
        url = urlsplit(target)
        if url.path == "/_bench/stats":
            return HTTPStatus.OK, json.dumps({"requests": self._requests, "bytes": self._bytes}).encode(), 0
        if (method, url.path) == ("POST", "/_bench/reset"):
            self._requests = self._bytes = 0
            return HTTPStatus.OK, b"{}", 0
        self._requests += 1
        if (method, url.path) == ("POST", "/v1/auth/api-key"):
            expires = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 4 * 3_600))
            return HTTPStatus.OK, json.dumps({"token": "bench.token", "expiration_time": expires}).encode(), 0
        if method == "GET" and (path := _LOG_PATH.fullmatch(url.path)):
            query = {name.removeprefix("list_parameters."): value for name, value in parse_qsl(url.query)}
            if path[1]:
                query["archive"] = "true"
            try:
                page = list_page(self._log, query)
            except (RefusedError, ValueError) as error:
                return HTTPStatus.BAD_REQUEST, json.dumps({"code": 3, "message": str(error)}).encode(), 0
            self._bytes += len(page)
            return HTTPStatus.OK, page, self._latency
        return HTTPStatus.NOT_FOUND, json.dumps({"code": 5, "message": f"no such path: {url.path}"}).encode(), 0


class Connection(asyncio.Protocol):
    """HTTP/1.1 as far as the clients measured here speak it: requests one after the other on a kept connection."""

    def __init__(self, api: Api) -> None:
        self._api = api
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the way back."""
        self._transport = t.cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """Answer a request once it has arrived completely."""
        self._received += data
        head, end, rest = self._received.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or len(rest) < (int(length[1]) if length else 0):
            return
        self._received = b""
        method, target, _ = head.split(b"\r\n", 1)[0].decode("ascii").split(" ")
        status, body, delay = self._api.answer(method, target)
        if delay:
            asyncio.get_running_loop().call_later(delay, self._send, status, body)
        else:
            self._send(status, body)

    def _send(self, status: HTTPStatus, body: bytes) -> None:
        head = (
            f"HTTP/1.1 {status.value} {status.phrase}\r\nContent-Type: application/json\r\n"
            f"Date: {formatdate(usegmt=True)}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        self._transport.writelines((head.encode(), body))


async def serve(api: Api, port_file: Path) -> None:
    """Serve on a free loopback port until a signal comes."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    server = await loop.create_server(lambda: Connection(api), "127.0.0.1", 0)
    written = port_file.with_suffix(".new")
    written.write_text(str(server.sockets[0].getsockname()[1]))
    written.replace(port_file)
    await stopped.wait()
    server.close()


def main() -> None:
    """Serve made-up events that end about an hour before now."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.server", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--events", type=int, default=10_000, help="how many events there are")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each list request waits")
    parser.add_argument("--port-file", type=Path, required=True, help="file to write the port to once it listens")
    parser.add_argument("--shape", choices=SHAPES, default="uniform", help="how the events are spread over time")
    parser.add_argument("--days", type=float, default=25.0, help="how far back the first of them lies")
    parser.add_argument("--json-size", type=int, default=0, help="the least number of bytes that an event has")
    given = parser.parse_args()
    stop = time.time_ns() - _HOUR
    times = make_times(given.shape, given.events, stop - int(given.days * _DAY), stop)
    asyncio.run(serve(Api(EventLog(times, given.json_size), given.latency), given.port_file))


if __name__ == "__main__":
    main()
