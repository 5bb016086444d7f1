"""The report's charts, as SVG without any script."""

from __future__ import annotations

import io
import re
import typing as t

import matplotlib as mpl
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from analytics.report.answers import days_between

if t.TYPE_CHECKING:
    from analytics.report.answers import Answers

# Of Okabe and Ito: told apart by those who see colours otherwise.
COLOURS = {"create": "#009e73", "update": "#56b4e9", "delete": "#d55e00", "other": "#999999"}
FAILED = "#d55e00"
_INK = "#1f2933"
_WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
# Of more than 50 colours the scale would become a picture inside of the picture, which the page forbids itself.
_HEAT = LinearSegmentedColormap.from_list("heat", ("#f4f6f8", "#0072b2"), N=10)
_LONGEST_NAME = 34
_STYLE: t.Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "report",
    "font.family": "sans-serif",
    "font.sans-serif": ["Helvetica", "Arial", "DejaVu Sans"],
    "font.size": 11,
    "text.color": _INK,
    "text.parse_math": False,
    "axes.edgecolor": "#9aa5b1",
    "axes.labelcolor": _INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "xtick.color": _INK,
    "ytick.color": _INK,
}


def timeline(answers: Answers) -> str:
    """Draw how many events there were each day, by operation."""
    days = days_between(answers.figures)
    counts = {(row["day"], row["operation"]): row["events"] for row in answers.timeline}
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(11, 3.2)
        below = [0] * len(days)
        for operation, colour in COLOURS.items():
            heights = [counts.get((day, operation), 0) for day in days]
            if any(heights):
                axes.bar(days, heights, bottom=below, color=colour, label=operation, width=0.85)
            below = [low + height for low, height in zip(below, heights, strict=True)]
        axes.yaxis.set_major_locator(MaxNLocator(integer=True))
        axes.set_ylabel("events a day")
        axes.grid(axis="y", color="#e4e7eb")
        axes.set_axisbelow(True)
        axes.legend(frameon=False, ncols=len(COLOURS), loc="lower left", bbox_to_anchor=(0, 1))
        return _svg(figure, "Events a day, by operation")


def actors(answers: Answers) -> str:
    """Draw who did most, and how much of it failed."""
    rows = answers.actors[::-1]
    names = [_shortened(row["actor"]) for row in rows]
    failed = [row["failed"] for row in rows]
    worked = [row["events"] - row["failed"] for row in rows]
    places = range(len(rows))
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.6, 3.8)
        axes.barh(places, worked, color="#56b4e9", label="done")
        axes.barh(places, failed, left=worked, color=FAILED, label="failed")
        axes.set_yticks(places, names)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
        axes.legend(frameon=False, loc="lower right")
        return _svg(figure, "The actors with the most events")


def hours(answers: Answers) -> str:
    """Draw at which hours of the week things happened."""
    grid = [[0] * 24 for _ in _WEEKDAYS]
    for row in answers.hours:
        grid[row["weekday"] - 1][row["hour"]] = row["events"]
    with mpl.rc_context(_STYLE):
        figure, axes = _canvas(5.6, 3.8)
        drawn = axes.pcolormesh(grid, cmap=_HEAT, edgecolors="white", linewidth=1.5)
        axes.invert_yaxis()
        axes.set_yticks([number + 0.5 for number in range(7)], _WEEKDAYS)
        axes.set_xticks([number + 0.5 for number in range(0, 24, 3)], [f"{number:02}" for number in range(0, 24, 3)])
        axes.tick_params(length=0)
        axes.spines[:].set_visible(False)
        bar = figure.colorbar(drawn, ax=axes, orientation="horizontal", pad=0.12, aspect=40)
        bar.outline.set_visible(False)
        bar.locator = MaxNLocator(nbins=5, integer=True)
        bar.set_label("events in that hour of the week")
        return _svg(figure, "Events by weekday and hour")


def _canvas(width: float, height: float) -> tuple[t.Any, t.Any]:
    figure = Figure(figsize=(width, height), layout="constrained")
    figure.patch.set_alpha(0)
    axes = figure.add_subplot()
    axes.patch.set_alpha(0)
    return figure, axes


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…"


def _svg(figure: Figure, label: str) -> str:
    written = io.StringIO()
    figure.savefig(written, format="svg", metadata={"Date": None, "Creator": None})
    svg = written.getvalue()
    # What stands before the root names a document type on the web.
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg[svg.index("<svg") :], flags=re.DOTALL)
    return svg.replace("<svg ", f'<svg role="img" aria-label="{label}" ', 1)
