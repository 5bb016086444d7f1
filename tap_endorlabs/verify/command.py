"""The command `endorlabs-verify`: what a target has made of the log, beside what the API has."""

from __future__ import annotations

import contextlib
import json
import os
import typing as t
from pathlib import Path

import click
from click.core import ParameterSource

from tap_endorlabs.cli import TapCommand, read_json
from tap_endorlabs.errors import IncompleteError, StateError
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.tap import TapEndorLabs
from tap_endorlabs.timestamps import EARLIEST, parse
from tap_endorlabs.verify.duckdb_table import DuckDbTable
from tap_endorlabs.verify.json_lines import JsonLines
from tap_endorlabs.verify.postgres_table import PostgresTable
from tap_endorlabs.verify.task import Wishes, compare, hold_against

if t.TYPE_CHECKING:
    from tap_endorlabs.verify.destination import Destination

_HELP = """Compare the records that a target has written with the events in the API.

Name the destination with --jsonl, --duckdb or --postgres, and give the tap's settings with --config. The exit code is 0
if both agree, 3 if they don't, and 1 if they can't be compared.
"""
_TABLE = "tap_endorlabs"
"""The schema that targets make of the tap's name."""

_WITH_AGAINST = {"against", "jsonl", "duckdb", "postgres", "table", "stream", "as_json", "config"}
"""What --against may be given with. Meltano always gives --config."""


def _stamp(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        stamp = value and parse(value)
    except ValueError as error:
        raise click.BadParameter(str(error)) from None
    if stamp and stamp < EARLIEST:
        raise click.BadParameter(f"{value!r} lies before 1970")
    return stamp


def _options(tap: type[TapEndorLabs]) -> list[click.Parameter]:
    file = click.Path(path_type=Path)
    return [
        click.Option(
            ["--config"],
            multiple=True,
            callback=tap.cb_config,
            help="File with the tap's settings, or ENV for environment variables.",
        ),
        click.Option(["--state"], type=click.File(), help="File with the state of the last run; - for stdin."),
        click.Option(["--jsonl"], multiple=True, help="JSON Lines file of the records; may be named several times."),
        click.Option(["--duckdb"], help="DuckDB file with the table."),
        click.Option(["--postgres"], help="Connection string or URL; missing parts come from PGPASSWORD and the like."),
        click.Option(["--table"], help="Table of a database.  [default: tap_endorlabs.STREAM]"),
        click.Option(["--stream"], type=click.Choice(list(STREAMS)), default="audit_logs", show_default=True),
        click.Option(["--from", "start"], callback=_stamp, help="Where to begin.  [default: start_date]"),
        click.Option(["--to", "stop"], callback=_stamp, help="Where to end, exclusive.  [default: the bookmark]"),
        click.Option(
            ["--by"],
            type=click.Choice(["day", "hour"]),
            default="day",
            show_default=True,
            help="The time that a row covers.",
        ),
        click.Option(
            ["--uuids"],
            type=click.Choice(["differing", "all"]),
            is_flag=False,
            flag_value="differing",
            help="List the events of rows that differ, and name those that the destination or the API does not have. "
            "--uuids=all lists the events of every row.",
        ),
        click.Option(["--repair"], is_flag=True, help="Print settings for runs that deliver the missing events."),
        click.Option(["--digests"], type=file, help="Add a digest of each complete day to this file."),
        click.Option(["--against"], type=file, help="Compare with this file of digests instead of the API."),
        click.Option(["--json", "as_json"], is_flag=True, help="Print JSON."),
    ]


def command(tap: type[TapEndorLabs] = TapEndorLabs) -> click.Command:
    """Give the command.

    Args:
        tap: whose settings and client it has.
    """

    def verify(*, as_json: bool, **given: t.Any) -> None:  # noqa: ANN401 - options
        report = _report(tap, given)
        if as_json:
            click.echo(json.dumps(report.as_json(), indent=2))
        else:
            for line in report.lines():
                click.echo(line)
        if report.verdict:
            raise IncompleteError(report.verdict)
        if not as_json:
            click.echo("\nAll agree.")

    return TapCommand(
        name="endorlabs-verify",
        callback=verify,
        params=_options(tap),
        help=_HELP,
        logger=tap.logger,
        secrets=tap.secrets,
    )


def _report(tap: type[TapEndorLabs], given: dict[str, t.Any]) -> t.Any:  # noqa: ANN401 - one of two kinds
    against, config, state = given.pop("against"), given.pop("config"), given.pop("state")
    if against:
        _check_alone()
    with contextlib.closing(_destination(tap, given)) as destination:
        if against:
            return hold_against(against, destination)
        try:
            own = tap(config=config.config, state=read_json("--state", state), parse_env_config=config.parse_env)
            return compare(own, destination, Wishes(**given))
        except StateError as error:
            # The advice of a run, to start anew, would cost a state for the sake of a comparison.
            advice = "Check --state, which takes one state, the last; or leave it out, and give --to."
            raise StateError(error.fault, advice) from error


def _check_alone() -> None:
    context = click.get_current_context()
    others = [
        one.opts[0]
        for one in context.command.params
        if one.name not in _WITH_AGAINST and context.get_parameter_source(str(one.name)) is ParameterSource.COMMANDLINE
    ]
    if others:
        raise click.UsageError(
            f"--against compares all days of the digests, without the API: leave out {', '.join(others)}."
        )


def _destination(tap: type[TapEndorLabs], given: dict[str, t.Any]) -> Destination:
    kinds = {name: value for name in ("jsonl", "duckdb", "postgres") if (value := given.pop(name))}
    table = given.pop("table") or f"{_TABLE}.{given['stream']}"
    if len(kinds) != 1:
        raise click.UsageError("Name one destination: --jsonl, --duckdb or --postgres.")
    ((kind, where),) = kinds.items()
    if kind == "jsonl":
        return JsonLines(where)
    return DuckDbTable(where, table) if kind == "duckdb" else PostgresTable(where, table, tap.secrets.add)


def main() -> None:
    """Run it."""
    # What a run tells on its way is not for a table; Meltano says itself what it wants to see.
    os.environ.setdefault("TAP_ENDORLABS_LOGLEVEL", "warning")
    # Sets the log up, as the tap's own command does.
    _ = TapEndorLabs.cli
    command()()
