"""The answers as a table for a terminal, and as a page in Markdown that may be pasted into an issue."""

from __future__ import annotations

import platform
import textwrap
import typing as t
from importlib.metadata import version
from itertools import zip_longest

from tap_endorlabs.settings import DEFAULT_API_URL

if t.TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from tap_endorlabs.probe.finding import Finding
    from tap_endorlabs.probe.questions import Question
    from tap_endorlabs.settings import Settings

_DEFAULT_HOST = DEFAULT_API_URL.partition("://")[2]
_TITLES = ("question", "expected", "found", "what the tap does")
_LEGEND = (
    "question: what was tested with this tenant's API",
    "expected: what the API's documentation says, or what the tap hopes for",
    "found: what the API did; ! is different from what was expected, ? is unknown, no mark is as expected",
    "what the tap does: how it reads the log, given what was found",
)
_INTRODUCTION = (
    "Written by `tap-endorlabs --test=probe`. It has no value of an event, no namespace, no credential and no host."
)
_EXPLAINED = "Each question is explained in docs/how-to/first-contact.md of tap-endorlabs."
_MARKS = {True: "", False: "! ", None: "? "}
_SHARES = (0.26, 0.18, 0.3, 0.26)
_SHOWN = ("traverse", "include_archived", "lookback_seconds", "completeness_check", "concurrency", "page_size")
"""Settings whose values are of a few kinds, so that they can tell nothing of who uses them."""


class Report(t.NamedTuple):
    """What was found.

    Attributes:
        settings: the user's.
        answers: each question with its finding.
        requests: how many it took.
        seconds: how long it took.
        now: when it was.
    """

    settings: Settings
    answers: Sequence[tuple[Question, Finding]]
    requests: int
    seconds: float
    now: dt.datetime

    @property
    def _rows(self) -> list[tuple[str, str, str, str]]:
        return [
            (question.asked, question.expected, f"{_MARKS[finding.as_expected]}{finding.found}", finding.action)
            for question, finding in self.answers
        ]

    @property
    def sum(self) -> str:
        """How many answers are as expected, and how many are not."""
        kinds = [finding.as_expected for _, finding in self.answers]
        return (
            f"{kinds.count(True)} as expected, {kinds.count(False)} different (!), {kinds.count(None)} unknown "
            f"(?); {self.requests} requests, {self.seconds:.1f} s"
        )

    def as_table(self, width: int) -> str:
        """Give a table of so many columns of characters."""
        widths = [max(int(share * (width - 6)), 10) for share in _SHARES]
        rule = "  ".join("-" * size for size in widths)
        lines: list[str] = []
        for row in (_TITLES, *self._rows):
            cells = [textwrap.wrap(cell.replace("`", ""), size) for cell, size in zip(row, widths, strict=True)]
            for parts in zip_longest(*cells, fillvalue=""):
                texts = (f"{part:{size}}" for part, size in zip(parts, widths, strict=True))
                lines.append("  ".join(texts).rstrip())
            lines.append("" if row is not _TITLES else rule)
        legend = [line for text in (*_LEGEND, self.sum, _EXPLAINED) for line in textwrap.wrap(text, width)]
        return "\n".join([*lines, *legend])

    def as_markdown(self) -> str:
        """Give the page."""
        host = _DEFAULT_HOST if self.settings.api_url == DEFAULT_API_URL else f"not {_DEFAULT_HOST}"
        shown = ", ".join(f"`{name}` {str(getattr(self.settings, name)).lower()}" for name in _SHOWN)
        program = f"tap-endorlabs {version('tap-endorlabs')}, Python {platform.python_version()}, {platform.system()}"
        return "\n".join(
            [
                "# How this tenant's API answers",
                "",
                _INTRODUCTION,
                "",
                f"- {program}, on {self.now:%Y-%m-%d}",
                f"- API host: {host}",
                f"- {shown}, `filter` {'set' if self.settings.filter else 'not set'}",
                f"- {self.sum}",
                "",
                "The columns:",
                "",
                *(f"- {text}" for text in _LEGEND),
                "",
                _row(_TITLES),
                "|---" * len(_TITLES) + "|",
                *map(_row, self._rows),
                "",
                _EXPLAINED,
                "",
            ]
        )


def _row(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
