"""A table in a DuckDB file, as `analytics/duckdb/load.sql` makes it."""

from __future__ import annotations

import datetime as dt
import importlib
import tempfile
import typing as t
from pathlib import Path

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.sync.bookmark import REPLICATION_KEY
from tap_endorlabs.verify.destination import Destination, Tally, need, quoted
from tap_endorlabs.verify.normal_form import ADDED, encoded

if t.TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from tap_endorlabs.verify.destination import Progress, Record

_ROWS_AT_ONCE = 500
_MEMORY_TO_COUNT, _MEMORY_TO_READ = "32MB", "24MB"
"""What DuckDB does with before it writes to a file, where that suffices."""

_MAGIC = b"DUCK"
"""Bytes 8 to 11 of each DuckDB file."""

_TIME = "create_time::TIMESTAMP"
_STAMP = f"strftime({_TIME}, '%Y-%m-%dT%H:%M:%S.%fZ')"
_BETWEEN = f"{_TIME} >= $1::TIMESTAMP AND {_TIME} < $2::TIMESTAMP"


class DuckDbTable(Destination):
    """A table of a file.

    Args:
        path: of the file.
        table: the table's name.

    Raises:
        TapError: the file or the table can't be read.
    """

    complaints: Sequence[str] = ()

    def __init__(self, path: str, table: str) -> None:
        self._path, self._table = path, table
        self._from = f"FROM {quoted(table)}"
        self._module = need(lambda: importlib.import_module("duckdb"), "duckdb")
        if not Path(path).is_file():
            raise TapError(f"--duckdb {path} can't be read: there is no such file.")
        if not _is_database(Path(path)):
            raise TapError(f"--duckdb {path} is not a DuckDB file.")
        try:
            self._connection = self._module.connect(
                path, read_only=True, config={"autoinstall_known_extensions": "false"}
            )
        except self._module.Error as error:
            raise self._failure(error) from error
        ((self._most_memory,),) = self._ask("SELECT current_setting('memory_limit')").fetchall()
        # What takes more goes through a file, and not one beside the database, where it may not be possible to write.
        self._folder = tempfile.TemporaryDirectory(prefix="endorlabs-verify-")
        self._ask(f"SET temp_directory = '{self._folder.name}'")
        self._ask(f"SET memory_limit = '{_MEMORY_TO_COUNT}'")
        self._ask("SET threads = 1")
        # What has no zone is UTC.
        self._ask("SET TimeZone = 'UTC'")

    def tallies(self, cuts: Sequence[str], progress: Progress) -> list[Tally]:
        """Count what lies between each stamp and the next."""
        found = self._rows(
            f"""
            SELECT number, count(*), count(DISTINCT uuid)
            {self._from} AS log ASOF JOIN
                (SELECT unnest($1::TIMESTAMP[]) AS first, unnest(range(len($1))) AS number) AS ranges
                ON log.{_TIME} >= ranges.first
            WHERE log.{_TIME} < $2::TIMESTAMP
            GROUP BY number
            """,
            [list(cuts[:-1]), cuts[-1]],
        )
        tallies = {number: Tally(rows, events) for number, rows, events in found}
        progress(1, 1)
        return [tallies.get(number, Tally()) for number in range(len(cuts) - 1)]

    def uuids(self, start: str, stop: str) -> Iterator[str]:
        """Give the uuids between two stamps."""
        return (uuid for (uuid,) in self._rows(f"SELECT uuid {self._from} WHERE {_BETWEEN}", [start, stop]))

    def records(self, start: str, stop: str, progress: Progress) -> Iterator[Record]:
        """Give the rows between two stamps."""
        ((total,),) = self._ask(f"SELECT count(*) {self._from} WHERE {_BETWEEN}", [start, stop]).fetchall()
        described = self._ask(f"DESCRIBE SELECT * {self._from}").fetchall()
        # The time is there as a stamp, and what targets add is no part of a record.
        kinds = {name: kind for name, kind, *_ in described if name != REPLICATION_KEY and not name.startswith(ADDED)}
        columns = [(name, kind == "JSON") for name, kind in kinds.items()]
        fields = ", ".join([_STAMP, *('"' + name.replace('"', '""') + '"' for name in kinds)])
        self._ask(f"SET memory_limit = '{_MEMORY_TO_READ}'")
        rows = self._rows(f"SELECT {fields} {self._from} WHERE {_BETWEEN}", [start, stop])
        for number, (stamp, *values) in enumerate(rows, 1):
            if number % _ROWS_AT_ONCE == 0:
                progress(number, total)
            yield stamp, {name: _value(value, is_json) for (name, is_json), value in zip(columns, values, strict=True)}
        progress(1, 1)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()
        self._folder.cleanup()

    def _ask(self, question: str, values: Sequence[object] = ()) -> t.Any:  # noqa: ANN401 - a cursor of the package
        try:
            return self._connection.execute(question, values)
        except self._module.Error as error:
            raise self._failure(error) from error

    def _rows(self, question: str, values: Sequence[object]) -> Iterator[tuple[t.Any, ...]]:
        """Give the rows of an answer, which come in the same order if they have to be asked for again."""
        done = 0
        try:
            found = self._connection.execute(question, values)
            while rows := found.fetchmany(_ROWS_AT_ONCE):
                done += len(rows)
                yield from rows
        except self._module.OutOfMemoryException:
            # It takes 2048 rows at a time, and these are large.
            self._ask(f"SET memory_limit = '{self._most_memory}'")
            found = self._ask(f"{question} OFFSET {done}", values)
            while rows := found.fetchmany(_ROWS_AT_ONCE):
                yield from rows
        except self._module.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> TapError:
        why = one_line(str(error), 200)
        if isinstance(error, self._module.CatalogException):
            return TapError(f"--duckdb {self._path} has no table {self._table}: name it with --table. ({why})")
        if isinstance(error, self._module.BinderException):
            return TapError(f"--table {self._table} does not have the columns uuid and create_time. ({why})")
        if "Could not set lock" in why or "Conflicting lock" in why:
            return TapError(f"--duckdb {self._path} is locked by another program: close it there. ({why})")
        return TapError(f"--duckdb {self._path} can't be read: {why}")


def _is_database(path: Path) -> bool:
    """Look itself, as DuckDB takes some other files for tables.

    Raises:
        TapError: it can't be read.
    """
    try:
        with path.open("rb") as file:
            return file.read(12).endswith(_MAGIC)
    except OSError as error:
        raise TapError(f"--duckdb {path} can't be read: {error.strerror}.") from error


def _value(value: object, is_json: bool) -> object:  # noqa: FBT001 - called by position
    if is_json and isinstance(value, str):
        return encoded(value)
    return value.isoformat() if isinstance(value, dt.datetime) else value
