"""First contact with a tenant: all questions, one after the other, and the report."""

from __future__ import annotations

import datetime as dt
import shutil
import typing as t
from pathlib import Path

import click

from tap_endorlabs.errors import TapError
from tap_endorlabs.probe.questions import QUESTIONS
from tap_endorlabs.probe.report import Report
from tap_endorlabs.probe.sample import Sample
from tap_endorlabs.timestamps import second_of, stamp_of

if t.TYPE_CHECKING:
    import logging
    from collections.abc import Mapping

    from tap_endorlabs.probe.asking import Asker

REPORT = "probe-report.md"
"""The file that is written into the current folder."""


def first_contact(asker: Asker, schema: Mapping[str, t.Any], logger: logging.Logger) -> None:
    """Ask all questions of a log, print the answers as a table, and write them to `probe-report.md`.

    Args:
        asker: asks the API.
        schema: that of the log's events.
        logger: is told what is under way.

    Raises:
        TapError: the log can't be read, or the report not be written.
    """
    logger.info("Sending 25 to 30 small requests to the API. This takes less than a minute if the API is fast")
    api = asker.api
    begun = api.retry.clock()
    sample = Sample(asker, second_of(stamp_of(api.auth.log_in_for_server_time())), schema)
    answers = [(question, question.answer(sample)) for question in QUESTIONS]
    seconds, now = api.retry.clock() - begun, dt.datetime.now(dt.timezone.utc)
    report = Report(api.settings, answers, asker.sent, seconds, now)
    hide = api.transport.secrets.hide
    click.echo(hide(report.as_table(shutil.get_terminal_size((120, 24)).columns)))
    try:
        Path(REPORT).write_text(hide(report.as_markdown()), encoding="utf-8")
    except OSError as error:
        raise TapError(f"{REPORT} can't be written into the current folder: {error.strerror}.") from error
    logger.info("The report is also in %s. It has no value of an event: you can paste it into an issue", REPORT)
