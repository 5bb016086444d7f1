"""Files land whole or not at all, and no run's end at a bad moment makes a gap or an overlap."""

from __future__ import annotations

import datetime as dt
import gzip
import json
import typing as t
from uuid import uuid4

import fsspec
import pytest

from endor_landing.files import Folder
from endor_landing.landing import Landing, SeamError
from endor_landing.months import Month, months_between
from endor_landing.tap import Delivery, Tap, TapFailedError
from fake_endor_api import make_events
from tests.conftest import NOW
from tests.harness import TAP, config_for

if t.TYPE_CHECKING:
    from pathlib import Path

    from fake_endor_api import FakeEndorApi

TAKEOVER = Month(2026, 3)


@pytest.fixture(params=["file", "memory"])
def folder(request: pytest.FixtureRequest, tmp_path: Path) -> Folder:
    """A folder of a disk, and one of an object store, which has neither folders nor renaming."""
    # Not the instance that all share: the SDK leaves that in a transaction where a batch file can't be written.
    return Folder(fsspec.filesystem(request.param, skip_instance_cache=True), f"{tmp_path}/{uuid4()}/acme")


@pytest.fixture
def tap(empty_api: FakeEndorApi) -> Tap:
    """The tap, with events of February and March to read."""
    empty_api.store.add(make_events(300, Month(2026, 2).start, NOW))
    return Tap(TAP, config_for(empty_api))


def files_in(folder: Folder) -> list[str]:
    """Give the paths of all files, those of the state left out."""
    paths = (path[len(folder.path) + 1 :] for path in folder.fs.find(folder.path))
    return sorted(path for path in paths if not path.startswith("_state/"))


def uuids_in(folder: Folder, *paths: str) -> list[str]:
    packed = (folder.fs.cat_file(f"{folder.path}/{path}") for path in paths)
    return [json.loads(line)["uuid"] for content in packed for line in gzip.decompress(content).splitlines()]


def landed(folder: Folder) -> list[str]:
    return sorted(uuids_in(folder, *files_in(folder)))


class KilledError(BaseException):
    """Stands for the end of the process."""


@pytest.mark.parametrize(
    ("first", "end", "months"),
    [
        ("2025-11", "2026-02", ["2025-11", "2025-12", "2026-01"]),
        ("2026-01", "2026-02", ["2026-01"]),
        ("2026-02", "2026-02", []),
    ],
)
def test_months_lie_end_to_end(first: str, end: str, months: list[str]) -> None:
    found = list(months_between(Month.parse(first), Month.parse(end)))
    assert list(map(str, found)) == months
    assert [month.next.start for month in found[:-1]] == [month.start for month in found[1:]]


@pytest.mark.parametrize("error", [KilledError, TapFailedError, OSError])
def test_a_file_is_replaced_at_the_end_or_not_at_all(folder: Folder, error: type[BaseException]) -> None:
    with folder.packed("2026-01.jsonl.gz") as file:
        file.write(b'{"uuid": "old"}\n')
    with pytest.raises(error), folder.packed("2026-01.jsonl.gz") as file:  # noqa: PT012 - it raises in the middle
        file.write(b'{"uuid": "half"}\n')
        raise error
    assert files_in(folder) == ["2026-01.jsonl.gz"]
    assert landed(folder) == ["old"]
    with folder.packed("2026-01.jsonl.gz") as file:
        file.write(b'{"uuid": "new"}\n')
    assert landed(folder) == ["new"]


def test_what_a_killed_try_has_left_is_removed_by_the_next(folder: Folder) -> None:
    folder.fs.makedirs(folder.path)
    for name in (".2026-01.jsonl.gz.1a2b.part", ".2026-02.jsonl.gz.3c4d.part"):
        folder.fs.pipe_file(f"{folder.path}/{name}", b"half")
    with folder.packed("2026-01.jsonl.gz"):
        pass
    # The other month's may be under way.
    assert files_in(folder) == [".2026-02.jsonl.gz.3c4d.part", "2026-01.jsonl.gz"]


def test_the_same_events_make_the_same_bytes(folder: Folder) -> None:
    for name in ("a", "b"):
        with folder.packed(name) as file:
            file.write(b"{}\n")
    assert folder.read("a") == folder.read("b") is not None


def test_months_and_news_add_up(folder: Folder, tap: Tap, empty_api: FakeEndorApi) -> None:
    landing = Landing(folder, TAKEOVER)
    assert landing.land_month(tap, Month(2026, 2), NOW, 60).events > 0
    assert landing.land_news(tap).events > 0
    assert landed(folder) == sorted(empty_api.store.uuids())
    assert landing.land_news(tap).events == 0
    assert files_in(folder) == ["2026-02.jsonl.gz", "news/00000001.jsonl.gz"]

    objects = {item["uuid"]: item for item in empty_api.store.objects()}
    for record in map(json.loads, gzip.decompress(folder.read("2026-02.jsonl.gz") or b"").splitlines()):
        assert record == {**objects[record["uuid"]], "create_time": record["create_time"]}


class Scripted(Tap):
    """A tap that delivers what it is told; a state is the number of events before it."""

    def __init__(self, log: list[str]) -> None:
        super().__init__("", {})
        self.log = log

    def run(self, sink: t.BinaryIO, state: dict[str, t.Any] | None = None, **_: t.Any) -> Delivery:
        new = self.log[state["at"] if state else 0 :]
        sink.writelines(json.dumps({"uuid": uuid}).encode() + b"\n" for uuid in new)
        return Delivery(len(new), {"at": len(self.log)})


def test_news_come_once_where_a_run_ends_between_file_and_state(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = ["a", "b"]
    landing, tap = Landing(folder, TAKEOVER), Scripted(log)
    landing.land_news(tap)
    log.append("c")

    def die(*_: object) -> None:
        raise KilledError

    with monkeypatch.context() as patch:
        patch.setattr(Folder, "write", die)
        with pytest.raises(KilledError):
            landing.land_news(tap)
    assert landed(folder) == ["a", "b", "c"]

    # More has happened meanwhile, and it is not the same run that comes next.
    log.append("d")
    landing.land_news(tap)
    assert landed(folder) == ["a", "b", "c", "d"]
    log.append("e")
    landing.land_news(tap)
    assert uuids_in(folder, "news/00000002.jsonl.gz", "news/00000003.jsonl.gz") == ["c", "d", "e"]


class Overtaken(Scripted):
    """A tap that is so slow that a run which begins later ends earlier."""

    def __init__(self, log: list[str], meanwhile: t.Callable[[], object]) -> None:
        super().__init__(log)
        self.meanwhile = meanwhile

    def run(self, sink: t.BinaryIO, state: dict[str, t.Any] | None = None, **_: t.Any) -> Delivery:
        delivery = super().run(sink, state)
        self.meanwhile()
        return delivery


def test_a_run_that_another_has_overtaken_lands_nothing(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    # Object stores show a file only when it is whole, so the other run finds no part of this one's to remove.
    monkeypatch.setattr(folder.fs, "glob", lambda _: [])
    log = ["a"]
    landing, tap = Landing(folder, TAKEOVER), Scripted(log)

    def land_two_more_files() -> None:
        for uuid in ("b", "c"):
            log.append(uuid)
            landing.land_news(tap)

    with pytest.raises(SeamError, match="another run has landed"):
        landing.land_news(Overtaken(log, land_two_more_files))
    log.append("d")
    landing.land_news(tap)
    assert landed(folder) == ["a", "b", "c", "d"]


def test_the_takeover_stays_where_it_was(folder: Folder) -> None:
    tap = Scripted(["a"])
    Landing(folder, TAKEOVER).land_news(tap)
    moved = Landing(folder, TAKEOVER.next)
    with pytest.raises(SeamError, match="takeover 2026-03, not 2026-04"):
        moved.land_month(tap, TAKEOVER, NOW, 60)
    with pytest.raises(SeamError, match="takeover 2026-03, not 2026-04"):
        moved.land_news(tap)


def test_a_month_lands_when_no_event_of_it_can_come_to_light_any_more(folder: Folder) -> None:
    landing, tap = Landing(folder, TAKEOVER), Scripted(["a"])
    early = TAKEOVER.start + dt.timedelta(hours=1)
    with pytest.raises(SeamError, match="try again later"):
        landing.land_month(tap, Month(2026, 2), early, 3600)
    assert landing.land_month(tap, Month(2026, 2), early, 60).events == 1
    with pytest.raises(SeamError, match="belongs to the incremental runs"):
        landing.land_month(tap, TAKEOVER, NOW, 60)
