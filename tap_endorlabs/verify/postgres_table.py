"""A table in PostgreSQL, as `target-postgres` makes it."""

from __future__ import annotations

import importlib
import re
import typing as t

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.verify.destination import Destination, Tally, need, quoted
from tap_endorlabs.verify.normal_form import decode

if t.TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tap_endorlabs.verify.destination import Progress, Record

_ROWS_AT_ONCE = 5_000
_SECONDS_TO_CONNECT = 10
_DRIVER = re.compile(r"^(postgres(?:ql)?)\+\w+:")
"""How SQLAlchemy, and so target-postgres, names a driver in a URL."""

_MALFORMED = (
    "--postgres takes a connection string or URL. The given text is neither. In a URL the characters % and @ of a "
    "password are written %25 and %40; better leave the password to PGPASSWORD or ~/.pgpass."
)

_TIME = "create_time::timestamp"
_STAMP = f"""to_char({_TIME}, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_BETWEEN = f"{_TIME} >= %s::timestamp AND {_TIME} < %s::timestamp"


class PostgresTable(Destination):
    """A table of a database.

    Args:
        where: a connection string of libpq, or a URL; what it leaves out libpq takes from its own variables and files.
        table: the table's name.
        hide: takes the password out of a message.

    Raises:
        TapError: the database or the table can't be read.
    """

    complaints: Sequence[str] = ()

    def __init__(self, where: str, table: str, hide: Callable[..., object]) -> None:
        self._table = table
        self._from = f"FROM {quoted(table)} AS log"
        self._psycopg = need(lambda: importlib.import_module("psycopg"), "psycopg")
        try:
            found = self._psycopg.conninfo.conninfo_to_dict(_DRIVER.sub(r"\1:", where))
        except self._psycopg.Error:
            # Its message would have a part of what may be the password.
            raise TapError(_MALFORMED) from None
        if "@" in str(found.get("host") or ""):
            raise TapError(_MALFORMED)
        try:
            hide(str(found.get("password") or ""))
            self._connection = self._psycopg.connect(
                **{"connect_timeout": _SECONDS_TO_CONNECT, "application_name": "endorlabs-verify", **found}
            )
            self._connection.read_only = True
            self._connection.isolation_level = self._psycopg.IsolationLevel.REPEATABLE_READ
            # What has no zone is UTC.
            self._connection.execute("SET TimeZone = 'UTC'")
        except self._psycopg.Error as error:
            raise self._failure(error) from error

    def tallies(self, cuts: Sequence[str], progress: Progress) -> list[Tally]:
        """Count what lies between each stamp and the next."""
        question = f"""
            SELECT width_bucket({_TIME}, %s::timestamp[]) - 1, count(*), count(DISTINCT uuid)
            {self._from} WHERE {_BETWEEN} GROUP BY 1
        """
        values = [list(cuts), cuts[0], cuts[-1]]
        tallies = {number: Tally(rows, events) for number, rows, events in self._ask(question, values)}
        progress(1, 1)
        return [tallies.get(number, Tally()) for number in range(len(cuts) - 1)]

    def uuids(self, start: str, stop: str) -> Iterator[str]:
        """Give the uuids between two stamps."""
        return (uuid for (uuid,) in self._ask(f"SELECT uuid {self._from} WHERE {_BETWEEN}", [start, stop]))

    def records(self, start: str, stop: str, progress: Progress) -> Iterator[Record]:
        """Give the rows between two stamps."""
        ((total,),) = self._ask(f"SELECT count(*) {self._from} WHERE {_BETWEEN}", [start, stop])
        found = self._ask(f"SELECT {_STAMP}, to_jsonb(log)::text {self._from} WHERE {_BETWEEN}", [start, stop])
        for number, (stamp, text) in enumerate(found, 1):
            if number % _ROWS_AT_ONCE == 0:
                progress(number, total)
            yield stamp, decode(text)
        progress(1, 1)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def _ask(self, question: str, values: Sequence[object]) -> Iterator[tuple[t.Any, ...]]:
        try:
            # A cursor of the server's, as else all rows would come at once.
            with self._connection.cursor(name="verify") as cursor:
                cursor.itersize = _ROWS_AT_ONCE
                cursor.execute(question, values)
                yield from cursor
        except self._psycopg.Error as error:
            raise self._failure(error) from error

    def _failure(self, error: Exception) -> TapError:
        why, errors = one_line(str(error), 200), self._psycopg.errors
        if isinstance(error, errors.UndefinedTable):
            return TapError(f"The PostgreSQL database has no table {self._table}: name it with --table. ({why})")
        if isinstance(error, (errors.UndefinedColumn, errors.CannotCoerce, errors.DataError)):
            return TapError(f"--table {self._table} does not have the columns uuid and create_time. ({why})")
        if isinstance(error, errors.InsufficientPrivilege):
            return TapError(f"The user of PostgreSQL may not read {self._table}: it needs USAGE and SELECT. ({why})")
        return TapError(f"PostgreSQL can't be asked: {why}")
