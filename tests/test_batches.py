"""Batch files are whole or not there, hold each record once whichever way it takes, and their states say the same."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import io
import json
import logging
import os
import tracemalloc
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from singer_sdk.helpers._batch import BaseBatchFileEncoding, BatchConfig, StorageTarget

from fake_endor_api import make_events
from tap_endorlabs.api.records import Event
from tap_endorlabs.errors import TapError
from tap_endorlabs.sync import batches
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW
from tests.harness import config_for, run_inside
from tests.in_process import run_command

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from fake_endor_api import FakeEndorApi
    from tap_endorlabs.sync.run import LogRun
    from tests.harness import Output

START = "2026-03-03T00:00:00Z"


def lines_of(url: str) -> list[bytes]:
    content = Path(urlsplit(url).path).read_bytes()
    return (gzip.decompress(content) if url.endswith(".gz") else content).splitlines()


def contents(output: Output) -> list[t.Any]:
    """What each message says, in order: the records of a batch, or a state."""
    return [
        [json.loads(line) for url in message["manifest"] for line in lines_of(url)]
        if message["type"] == "BATCH"
        else message
        for message in output.messages
    ]


@pytest.mark.parametrize(("size", "compression"), [(1, "gzip"), (7, "none"), (50, "gzip"), (300, None), (301, "gzip")])
def test_both_ways_to_write_batch_files_give_the_same(
    size: int, compression: str | None, empty_api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_api.store.add(make_events(300, NOW - dt.timedelta(days=2), NOW))
    storage = {"root": f"file://{tmp_path}", "prefix": "logs-"}
    encoding = {"format": "jsonl"} | ({"compression": compression} if compression else {})
    batch = {"encoding": encoding, "storage": storage, "batch_size": size}
    config = config_for(empty_api, start_date=START, batch_config=batch, page_size=50)
    passed_on = run_inside(config)
    monkeypatch.setattr(batches, "passes_unchanged", lambda _: False)
    by_the_sdk = run_inside(config)
    assert sum(len(found) for found in contents(passed_on) if isinstance(found, list)) == 300
    assert contents(passed_on) == contents(by_the_sdk)
    assert all(message["encoding"] == encoding for message in passed_on.of("BATCH"))
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 2 * -(-300 // size)
    ending, begin = (".json.gz", b"\x1f\x8b") if compression == "gzip" else (".json", b'{"')
    assert all(name.startswith("logs-tap-endorlabs--audit_logs-") and name.endswith(ending) for name in names)
    assert {path.read_bytes()[:2] for path in tmp_path.iterdir()} == {begin}


def test_records_that_a_filter_leaves_out_fill_no_file(empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(40, NOW - dt.timedelta(days=2), NOW))
    kept = {event["uuid"] for event in empty_api.store.objects() if event["uuid"] < "8"}
    batch = {"encoding": {"format": "jsonl"}, "storage": {"root": str(tmp_path)}, "batch_size": 5}
    maps = {"audit_logs": {"__filter__": "uuid < '8'"}}
    output = run_inside(config_for(empty_api, start_date=START, batch_config=batch, stream_maps=maps))
    sizes = [len(found) for found in contents(output) if isinstance(found, list)]
    assert sum(sizes) == len(kept) > 5
    assert set(sizes[:-1]) == {5}


@pytest.mark.parametrize("root", ["{}", "file://{}", "file:{}"])
def test_a_target_of_the_sdk_finds_the_files(root: str, empty_api: FakeEndorApi, tmp_path: Path) -> None:
    empty_api.store.add(make_events(3, NOW - dt.timedelta(days=2), NOW))
    folder = tmp_path / "with a blank, 100 % and é"
    batch = {"encoding": {"format": "jsonl"}, "storage": {"root": root.format(folder)}}
    output = run_inside(config_for(empty_api, start_date=START, batch_config=batch))
    ((url,),) = (message["manifest"] for message in output.of("BATCH"))
    head, name = StorageTarget.split_url(url)
    with StorageTarget.from_url(head).open(name) as file:
        assert len(file.readlines()) == 3
    assert [path.name for path in folder.iterdir()] == [name]


def closing_line(output: Output) -> str:
    (line,) = (line for line in output.stderr.splitlines() if "| Done: " in line or "| Stopped: " in line)
    return line.split("| ", 3)[-1]


@pytest.mark.parametrize("failing", [1, 2, None])
def test_the_closing_line_comes_after_the_last_file(
    failing: int | None, empty_api: FakeEndorApi, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty_api.store.add(make_events(10, NOW - dt.timedelta(days=2), NOW))
    written: list[str] = []
    replace_file = Path.replace

    def replace(self: Path, target: str) -> None:
        if len(written) + 1 == failing:
            raise OSError(28, "No space left on device")
        replace_file(self, target)
        logging.getLogger("test").info("written")
        written.append(target)

    monkeypatch.setattr(Path, "replace", replace)
    folder = tmp_path / "files"
    batch = {"encoding": {"format": "jsonl"}, "storage": {"root": str(folder)}, "batch_size": 7}
    config = config_for(empty_api, start_date=START, batch_config=batch)
    output = run_command(tmp_path, level=logging.INFO, config=config)
    if failing is None:
        assert (output.code, closing_line(output)[:16]) == (0, "Done: 10 events,")
        assert output.stderr.rindex("written") < output.stderr.index("Done: ")
    else:
        assert (output.code, closing_line(output)[:9]) == (1, "Stopped: ")
        assert output.errors == ["Setting batch_config: a file can't be written ([Errno 28] No space left on device)."]
    assert [str(path) for path in sorted(folder.iterdir())] == written
    assert len(output.of("BATCH")) == len(written) == (2 if failing is None else failing - 1)


class Run:
    """Stands for a run: nobody asks it what it was told."""

    def note(self, events: list[Event]) -> None:
        pass


def files_from(news: Iterator[list[Event]], storage: StorageTarget, **changes: t.Any) -> Iterator[list[str]]:
    stream = TapEndorLabs(config={}, validate_config=False).streams["audit_logs"]
    encoding = BaseBatchFileEncoding("jsonl", **changes)
    given = ((t.cast("LogRun", Run()), events) for events in news)
    return batches.batch_files(stream, BatchConfig(encoding, storage, 10**9), given, lambda *_: [])


def some_events(size: int) -> list[Event]:
    return [
        Event("2024-11-13T15:30:45.500000Z", str(number), b'{"a":"%b"}' % os.urandom(size // 2).hex().encode())
        for number in range(10)
    ]


@pytest.mark.parametrize("compression", ["gzip", None])
def test_a_file_has_its_name_only_when_it_is_whole(compression: str | None, tmp_path: Path) -> None:
    seen: list[set[str]] = []

    def news() -> Iterator[list[Event]]:
        for _ in range(3):
            yield some_events(100_000)
            seen.append({path.suffix for path in tmp_path.iterdir()})

    ((url,),) = files_from(news(), StorageTarget(f"file://{tmp_path}"), compression=compression)
    assert seen == [{".part"}] * 3
    assert [path.as_uri() for path in tmp_path.iterdir()] == [url]
    assert len(lines_of(url)) == 30


@pytest.mark.parametrize("error", [TapError("The API is gone."), SystemExit(143)], ids=["failed", "ended"])
def test_nothing_stays_of_a_file_that_was_not_finished(error: BaseException, tmp_path: Path) -> None:
    def news() -> Iterator[list[Event]]:
        yield some_events(100_000)
        assert len(list(tmp_path.iterdir())) == 1
        raise error

    with pytest.raises(type(error)):
        list(files_from(news(), StorageTarget(f"file://{tmp_path}")))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("compression", ["gzip", None])
def test_a_file_takes_no_more_memory_than_a_page(compression: str | None, tmp_path: Path) -> None:
    page = 10 * 100_000
    tracemalloc.start()
    try:
        (_,) = files_from(
            (some_events(100_000) for _ in range(20)), StorageTarget(str(tmp_path)), compression=compression
        )
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 6 * page


class Bucket(StorageTarget):
    """A place that is no folder of this machine."""

    def __init__(self) -> None:
        super().__init__("s3://bucket")
        self.objects: dict[str, bytes] = {}

    def get_url(self, filename: str) -> str:
        return f"s3://bucket/{filename}"

    @contextlib.contextmanager
    def open(self, filename: str, mode: str = "rb") -> Iterator[io.BytesIO]:
        assert mode == "wb"
        with io.BytesIO() as file:
            yield file
            self.objects[filename] = file.getvalue()


def test_elsewhere_a_file_is_sent_when_it_is_whole() -> None:
    bucket = Bucket()

    def news(error: Exception | None = None) -> Iterator[list[Event]]:
        yield some_events(100)
        assert not bucket.objects
        if error:
            raise error

    with pytest.raises(TapError, match=r"a file can't be written \(gone\)"):
        list(files_from(news(OSError("gone")), bucket))
    ((url,),) = files_from(news(), bucket)
    assert {name: len(content.splitlines()) for name, content in bucket.objects.items()} == {url.rpartition("/")[2]: 10}
