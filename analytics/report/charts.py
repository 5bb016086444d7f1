"""The report's charts, as SVG without any script. They are as wide as the text of an A4 page."""

from __future__ import annotations

import datetime as dt
import io
import re
import typing as t
import warnings

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analytics.report.answers import SEVERITIES
from analytics.report.legible import legible

if t.TYPE_CHECKING:
    from analytics.report.answers import Answers

# Each means one thing in the whole page; those of severities are in page.css as well.
COLOURS = {"critical": "#7a0c1e", "high": "#d9480f", "medium": "#f2b134", "low": "#9aa5b1"}
DONE = "#2b78b5"
FAILED = "#8e3fa8"
_INK = "#1f2933"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HEAT = LinearSegmentedColormap.from_list("heat", ("#cfe2f2", DONE, "#0b3558"))
_WIDTH = 7.2
_LONGEST_NAME = 40
_MOST_DATES = 8
_DAY = dt.timedelta(days=1)
_STYLE: t.Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 8,
    "text.color": _INK,
    "text.parse_math": False,
    "axes.edgecolor": "#52606d",
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def alerts_by_day(answers: Answers) -> str:
    """Draw how many alerts there were each day, by severity."""
    counts = {(row["day"], row["severity"]): row["alerts"] for row in answers.alerts_by_day}
    series = [(name, COLOURS[name], [counts.get((day, name), 0) for day in _days(answers)]) for name in SEVERITIES]
    return _by_day(answers, series, "Alerts a day, by severity")


def changes_by_day(answers: Answers) -> str:
    """Draw how many changes there were each day, and how many failed."""
    rows = {row["day"]: row for row in answers.changes_by_day}
    series = [
        (name, colour, [rows[day][name] if day in rows else 0 for day in _days(answers)])
        for name, colour in (("done", DONE), ("failed", FAILED))
    ]
    return _by_day(answers, series, "Changes a day")


def changes_by_actor(answers: Answers) -> str:
    """Draw who changed most, and how much of it failed."""
    rows = answers.changes_by_actor.rows[::-1]
    names = [legible(row["actor"], _LONGEST_NAME) for row in rows]
    done, failed = [row["done"] for row in rows], [row["failed"] for row in rows]
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(0.5 + 0.18 * len(rows))
        axes.barh(range(len(rows)), done, color=DONE, label="done")
        axes.barh(range(len(rows)), failed, left=done, color=FAILED, label="failed")
        axes.set_yticks(range(len(rows)), names)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        _legend(axes)
        return _svg(figure, "The actors with the most changes")


def changes_by_hour(answers: Answers) -> str:
    """Draw at which hours of the week things were changed, with the count in each hour that has any."""
    counts = {(row["weekday"] - 1, row["hour"]): row["changes"] for row in answers.changes_by_hour}
    most = max(counts.values())
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(2.1)
        for (weekday, hour), count in counts.items():
            share = count / most
            axes.barh(weekday, 0.94, left=hour + 0.03, height=0.92, color=_HEAT(share))
            colour = "white" if share > 0.5 else "black"  # noqa: PLR2004 - each is read well there
            axes.text(hour + 0.5, weekday, _in_short(count), ha="center", va="center", size=7, color=colour)
        axes.set_xlim(0, 24)
        axes.set_ylim(6.5, -0.5)
        axes.set_yticks(range(7), _WEEKDAYS)
        axes.set_xticks([hour + 0.5 for hour in range(24)], [f"{hour:02}" for hour in range(24)])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        return _svg(figure, "Changes by weekday and hour")


def _days(answers: Answers) -> list[dt.date]:
    """Give the days on which something is to be drawn."""
    return sorted({row["day"] for row in (*answers.alerts_by_day, *answers.changes_by_day)})


def _dates(days: list[dt.date]) -> list[dt.date]:
    """Give as many dates as have room below a chart, evenly apart from the first day on."""
    length = (days[-1] - days[0]).days
    return [days[0] + number * _DAY for number in range(0, length + 1, 1 + length // _MOST_DATES)]


def _by_day(answers: Answers, series: list[tuple[str, str, list[int]]], label: str) -> str:
    days = _days(answers)
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(1.6)
        below = [0] * len(days)
        for name, colour, heights in series:
            axes.bar(days, heights, bottom=below, color=colour, label=name, width=0.8)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.yaxis.set_major_locator(MaxNLocator(nbins=5, integer=True))
        # A log of a day is no wall.
        axes.set_xlim(days[0] - _DAY, max(days[-1], days[0] + 7 * _DAY) + _DAY)
        dates = _dates(days)
        axes.set_xticks(dates, [date.isoformat() for date in dates])
        axes.grid(axis="y", color="#e4e7eb")
        axes.set_axisbelow(True)
        _legend(axes)
        return _svg(figure, label)


def _legend(axes: t.Any) -> None:  # noqa: ANN401 - of matplotlib
    axes.legend(frameon=False, ncols=4, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, handlelength=1)


def _canvas(height: float) -> tuple[t.Any, t.Any]:
    figure = Figure(figsize=(_WIDTH, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _in_short(count: int) -> str:
    """Give a count in at most four characters, as long as it is below a billion."""
    for least, size, unit in ((1_000_000, 1_000_000, "M"), (10_000, 1_000, "k")):
        if count >= least:
            return f"{count // size}{unit}"
    return str(count)


def _svg(figure: Figure, label: str) -> str:
    written = io.StringIO()
    with warnings.catch_warnings():
        # Letters that the font here lacks are drawn by the browser.
        warnings.filterwarnings("ignore", message="Glyph .* missing from")
        figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    svg = written.getvalue()
    # What stands before the root names a document type on the web.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
