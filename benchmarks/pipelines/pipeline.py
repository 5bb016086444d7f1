"""A pipeline, and what one run of it takes."""

from __future__ import annotations

import contextlib
import tempfile
import typing as t
from pathlib import Path

from benchmarks.measure import count_events, run_program
from tests.targets.postgres import Database, running

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator

TARGETS = ("target-jsonl", "target-postgres")

Row = dict[str, t.Any]


class Place(t.NamedTuple):
    """Where a pipeline runs.

    Attributes:
        folder: an empty one, for what it writes.
        database: an empty one; None where it writes files.
        config: the settings of its source.
    """

    folder: Path
    database: Database | None
    config: dict[str, t.Any]

    @property
    def url(self) -> str:
        """The address of the database."""
        (url,) = self.database.settings.values() if self.database else ("",)
        return url


class Pipeline(t.NamedTuple):
    """A pipeline.

    Attributes:
        target: where it loads to.
        label: what the tables call it.
        command: gives its command line for a place.
        files: what it writes, as a pattern below the folder, if it writes files.
        table: the table that it fills, if it fills one.
        is_slow: whether it takes so long that it gets fewer events.
    """

    target: str
    label: str
    command: Callable[[Place], list[str]]
    files: str = "audit_logs.jsonl"
    table: str = "tap_endorlabs.audit_logs"
    is_slow: bool = False


@contextlib.contextmanager
def place_for(pipeline: Pipeline, config: dict[str, t.Any]) -> Iterator[Place]:
    """Give an empty folder and, where one is needed, a database."""
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bench-")))
        database = stack.enter_context(running()) if pipeline.target == "target-postgres" else None
        yield Place(folder, database, config)


def run(pipeline: Pipeline, config: dict[str, t.Any], events: int) -> Row:
    """Run a pipeline once; give its seconds of wall time, and of CPU time in all its processes but the database's.

    Raises:
        RuntimeError: it failed, or not every event arrived once.
    """
    with place_for(pipeline, config) as place:
        code, wall, user, system, _ = run_program(pipeline.command(place), place.folder)
        if code:
            raise RuntimeError(f"{pipeline.label}: {(place.folder / 'stderr').read_text(errors='replace')[-4_000:]}")
        missing, repeated = _arrived(pipeline, place, events)
        if missing or repeated:
            raise RuntimeError(f"{pipeline.label}: {missing} of {events} events are missing, {repeated} repeated.")
    return {"wall": wall, "cpu": user + system}


def _arrived(pipeline: Pipeline, place: Place, events: int) -> tuple[int, int]:
    """Give how many of the events have not arrived, and how many have again."""
    if place.database is None:
        return count_events(place.folder.glob(pipeline.files), events)
    query = f"SELECT count(*) AS a, count(DISTINCT uuid) AS b FROM {pipeline.table}"  # noqa: S608
    ((arrived, distinct),) = place.database.select(query)
    return events - distinct, arrived - distinct
