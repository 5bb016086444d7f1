"""Batch files whose lines are passed on hold what the SDK would write, and their states say the same."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from fake_endor_api import make_events
from tap_endorlabs.sync import batches
from tests.conftest import NOW
from tests.harness import config_for, run_inside

if t.TYPE_CHECKING:
    from fake_endor_api import FakeEndorApi
    from tests.harness import Output


def contents(output: Output) -> list[t.Any]:
    """What each message says, in order: the records of a batch, or a state."""
    return [
        [
            json.loads(line)
            for url in message["manifest"]
            for line in gzip.decompress(Path(urlsplit(url).path).read_bytes()).splitlines()
        ]
        if message["type"] == "BATCH"
        else message
        for message in output.messages
    ]


@pytest.mark.parametrize("size", [1, 7, 50, 300, 301])
def test_both_ways_to_write_batch_files_give_the_same(
    size: int, empty_api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_api.store.add(make_events(300, NOW - dt.timedelta(days=2), NOW))
    storage = {"root": f"file://{tmp_path}", "prefix": "logs-"}
    batch = {"encoding": {"format": "jsonl", "compression": "gzip"}, "storage": storage, "batch_size": size}
    config = config_for(empty_api, start_date="2026-03-03T00:00:00Z", batch_config=batch, page_size=50)
    passed_on = run_inside(config)
    monkeypatch.setattr(batches, "passes_unchanged", lambda _: False)
    by_the_sdk = run_inside(config)
    assert sum(len(found) for found in contents(passed_on) if isinstance(found, list)) == 300
    assert contents(passed_on) == contents(by_the_sdk)
    assert len(list(tmp_path.glob("logs-tap-endorlabs--audit_logs-*.json.gz"))) == 2 * -(-300 // size)
