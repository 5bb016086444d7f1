"""Runs the fake API until it is stopped."""

from __future__ import annotations

import argparse
import signal
import threading
import typing as t
from datetime import timedelta
from pathlib import Path

from fake_endor_api.events import DEMO_NAMESPACE, make_events, make_sign_ins
from fake_endor_api.realistic import make_realistic_log
from fake_endor_api.server import DEMO_KEY, DEMO_SECRET, FakeEndorApi
from fake_endor_api.times import utc_now

if t.TYPE_CHECKING:
    from fake_endor_api.realistic.records import Record


def main() -> None:
    """Serve made-up events of the last days."""
    parser = _parser()
    arguments = parser.parse_args()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    api = FakeEndorApi(
        port=arguments.port,
        host=arguments.host,
        key=arguments.api_key,
        secret=arguments.api_secret,
        namespace=arguments.namespace,
    )
    api.behaviour.latency = arguments.latency
    events, sign_ins = _made(parser, arguments)
    api.store.add(events)
    api.sign_ins.add(sign_ins)
    with api:
        if arguments.port_file:
            written = arguments.port_file.with_suffix(".new")
            written.write_text(str(api.port))
            written.replace(arguments.port_file)
        print(
            f"Fake Endor Labs API at {api.url}: {arguments.events} events in namespace {arguments.namespace}, "
            f"key {arguments.api_key}, secret {arguments.api_secret}",
            flush=True,
        )
        stopped.wait()


def _made(parser: argparse.ArgumentParser, arguments: argparse.Namespace) -> tuple[list[Record], list[Record]]:
    """Return audit logs and sign-ins up to now."""
    now = utc_now()
    start = now - timedelta(days=arguments.days)
    events, sign_ins, seed, namespace = arguments.events, arguments.sign_ins, arguments.seed, arguments.namespace
    if arguments.profile == "random":
        return make_events(events, start, now, seed=seed, namespace=namespace), make_sign_ins(
            sign_ins, start, now, seed=seed, namespace=namespace
        )
    try:
        log = make_realistic_log(events, start, now, sign_ins=sign_ins, seed=seed, namespace=namespace)
    except ValueError as error:
        parser.error(str(error))
    return log.events, log.sign_ins


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m fake_endor_api",
        description=__doc__,
        epilog='While it runs, POST /_fake/events with {"count": 50} adds events of now, GET /_fake/uuids gives all '
        "uuids, and GET /_fake/stats the number of requests.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
    parser.add_argument("--port", type=int, default=0, help="port to listen on, 0 for a free one")
    parser.add_argument("--port-file", type=Path, help="file to write the port to once it listens")
    parser.add_argument(
        "--profile",
        choices=("random", "realistic"),
        default="random",
        help="random: events of any form; realistic: like a real log, with scans, page visits and forty incidents",
    )
    parser.add_argument("--events", type=int, default=10_000, help="how many events there are at the start")
    parser.add_argument("--sign-ins", type=int, default=1_000, help="how many authentication logs there are")
    parser.add_argument("--days", type=float, default=25.0, help="how many days ago the first event happened")
    parser.add_argument("--seed", type=int, default=0, help="seed of the events; another seed makes other events")
    parser.add_argument("--namespace", default=DEMO_NAMESPACE, help="namespace of the events")
    parser.add_argument("--api-key", default=DEMO_KEY, help="the API key that the fake API accepts")
    parser.add_argument("--api-secret", default=DEMO_SECRET, help="the secret of that key")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that each answer takes")
    return parser


if __name__ == "__main__":
    main()
