"""The least that a reader in Python can do: ask page after page, split each with msgspec, write its lines.

    python raw_limit.py config.json

There is no state, no check, no retry, and no order but the server's.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import msgspec
import requests

PAGE_SIZE = 500


class Response(msgspec.Struct):
    """What an answer says of the next one."""

    next_page_id: str = ""


class Listed(msgspec.Struct):
    """The objects of an answer, as they were sent."""

    objects: list[msgspec.Raw] = []
    response: Response | None = None


class Page(msgspec.Struct):
    """An answer."""

    list: Listed


def main(config_file: str) -> None:
    """Read the log."""
    config = json.loads(Path(config_file).read_text())
    session = requests.Session()
    login = {"key": config["api_key"], "secret": config["api_secret"]}
    token = session.post(f"{config['api_url']}/v1/auth/api-key", json=login).json()["token"]
    session.headers["Authorization"] = f"Bearer {token}"
    query = {
        "list_parameters.page_size": str(PAGE_SIZE),
        "list_parameters.traverse": "true",
        "list_parameters.filter": f"meta.create_time>=date({config['start_date']})",
    }
    decoder = msgspec.json.Decoder(Page)
    url = f"{config['api_url']}/v1/namespaces/{config['namespace']}/audit-logs"
    while True:
        listed = decoder.decode(session.get(url, params=query).content).list
        lines = [b'{"type":"RECORD","stream":"audit_logs","record":%b}\n' % event for event in listed.objects]
        sys.stdout.buffer.write(b"".join(lines))
        sys.stdout.buffer.flush()
        if listed.response is None:
            break
        query["list_parameters.page_id"] = listed.response.next_page_id


if __name__ == "__main__":
    main(*sys.argv[1:])
