"""Draws the figures; runs in an environment of its own, as it needs matplotlib.

python -m benchmarks.plot results.json results.svg
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import matplotlib as mpl
from matplotlib.figure import Figure

if t.TYPE_CHECKING:
    from matplotlib.axes import Axes

OURS, OTHER, SECOND = "#0b7a75", "#9aa5b1", "#d17b0f"
Cases = list[dict[str, t.Any]]


def main(figures: str, picture: str) -> None:
    """Draw the picture."""
    results = json.loads(Path(figures).read_text())
    mpl.rcParams.update({"svg.fonttype": "none", "svg.hashsalt": "bench", "font.family": "sans-serif", "font.size": 9})
    figure = Figure(figsize=(12, 6.4), layout="constrained")
    cases = results["cases"]
    growth, concurrency = _of(cases, "growth"), _of(cases, "concurrency")
    # Where the tap itself was left out, or failed, there is nothing to draw on the right.
    widths = (5, 4) if growth and concurrency else (1,)
    grid = figure.add_gridspec(2, len(widths), width_ratios=widths)
    _bars(
        figure.add_subplot(grid[0, 0]), _of(cases, "plain"), "user", "User CPU, no latency: µs an event (events read)"
    )
    waiting = f"Wall time, {results['latency']:g} s a request: µs an event (events read)"
    _bars(figure.add_subplot(grid[1, 0]), _of(cases, "waiting"), "wall", waiting)
    if growth and concurrency:
        _growth(figure.add_subplot(grid[0, 1]), growth)
        _concurrency(figure.add_subplot(grid[1, 1]), concurrency, results["latency"])
    machine = results["machine"]
    figure.supxlabel(
        f"{machine['processor']}, {machine['cores']} cores, {machine['python']}, {machine['date']}", fontsize=8
    )
    figure.savefig(picture, metadata={"Date": None})


def _of(cases: Cases, table: str) -> Cases:
    return [case for case in cases if case["table"] == table and case["complete"] and case["events"]]


def _each(case: dict[str, t.Any], name: str) -> float:
    return t.cast("float", case["median"][name]) / t.cast("int", case["events"]) * 1e6


def _bars(axes: Axes, cases: Cases, name: str, title: str) -> None:
    """Draw a bar for each case; of ours with few events, which others are compared with, there is a larger one, too."""
    most: dict[str, dict[str, t.Any]] = {}
    for case in cases:
        if case["events"] >= most.get(case["label"], case)["events"]:
            most[case["label"]] = case
    drawn = sorted(most.values(), key=lambda case: _each(case, name), reverse=True)
    labels = [f"{case['label']} ({case['events']:,})" for case in drawn]
    colours = [OURS if case["competitor"] == "ours" else OTHER for case in drawn]
    bars = axes.barh(labels, [_each(case, name) for case in drawn], color=colours)
    axes.bar_label(bars, fmt="%.0f", padding=3)
    axes.margins(x=0.1)
    axes.set_title(title, loc="left")
    axes.spines[["top", "right"]].set_visible(False)


def _growth(axes: Axes, cases: Cases) -> None:
    events = [case["events"] for case in cases]
    axes.plot(events, [case["median"]["wall"] for case in cases], "o-", color=OURS, label="wall time, s")
    axes.plot(events, [case["median"]["rss"] for case in cases], "s--", color=SECOND, label="peak memory, MB")
    axes.set(xscale="log", yscale="log", xlabel="events")
    axes.set_title("tap-endorlabs: growth with the events, no latency", loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


def _concurrency(axes: Axes, cases: Cases, latency: float) -> None:
    numbers = [case["concurrency"] or 1 for case in cases]
    axes.plot(numbers, [case["median"]["wall"] for case in cases], "o-", color=OURS, label="wall time, s")
    axes.set_xscale("log", base=2)
    axes.set(xlabel="concurrency", xticks=numbers, xticklabels=[str(number) for number in numbers])
    axes.set_ylim(0, 1.1 * max(case["median"]["wall"] for case in cases))
    axes.set_title(f"tap-endorlabs: {cases[0]['events']:,} events, {latency:g} s a request", loc="left")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)


if __name__ == "__main__":
    main(*sys.argv[1:])
