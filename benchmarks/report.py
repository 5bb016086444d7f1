"""Writes the figures as tables in Markdown."""

from __future__ import annotations

import typing as t

from benchmarks.cases import OURS, REFERENCE_CONCURRENCY, TABLES
from benchmarks.pipelines import rounds as pipelines
from benchmarks.scale import document
from benchmarks.scale.arithmetic import Measured
from benchmarks.scale.tables import input_table

if t.TYPE_CHECKING:
    from collections.abc import Iterable

COMPARED = ("plain", "waiting")
_COLUMNS = ("wall s", "user CPU s", "peak RSS MB", "requests", "µs an event: wall", "CPU")


def markdown(results: dict[str, t.Any]) -> str:
    """Give all tables, and what they were measured on."""
    parts = []
    if "pipelines" in results:
        parts += [
            "### Pipelines: into JSON lines and PostgreSQL, without latency",
            pipelines.table(results["pipelines"]),
        ]
    for table, title in TABLES.items():
        if cases := [case for case in results["cases"] if case["table"] == table]:
            parts += [f"### {title.format_map(results)}", _table(table, cases)]
    if "inputs" in results:
        parts += ["### What docs/scale.md starts from", input_table(Measured.of(results))]
    if results["claims"]:
        parts += ["### What is claimed", _claims(results["claims"])]
    machine, versions = results["machine"], results["versions"]
    rounds = f"medians of {results['rounds']} interleaved rounds" if results["rounds"] > 1 else "one round"
    parts.append(
        f"Measured on {machine['processor']}, {machine['cores']} cores, {machine['memory']}, {machine['system']}, "
        f"{machine['python']}, {machine['date']}; {rounds}. "
        f"Versions: {'; '.join(f'{name} {version}' for name, version in versions.items())}."
    )
    return "\n\n".join(parts) + "\n"


def _table(table: str, cases: list[dict[str, t.Any]]) -> str:
    compared = table in COMPARED
    rows = [_row(case, table) + (_ratios(case, _reference(case, cases)) if compared else []) for case in cases]
    head = [
        "shape" if table == "shapes" else "",
        "events",
        *_COLUMNS,
        *(("x ours: wall", "CPU") if compared else ()),
    ]
    return document.table([head, *rows])


def _row(case: dict[str, t.Any], table: str) -> list[str]:
    median, events = case["median"], case["events"]
    each = [f"{median[name] / events * 1e6:,.0f}" if events else "" for name in ("wall", "user")]
    label = case["shape"] if table == "shapes" else case["label"]
    return [
        label if case["complete"] else f"**wrong**: {label}",
        f"{events:,}",
        f"{median['wall']:.2f}",
        f"{median['user']:.2f}",
        f"{median['rss']:.0f}",
        f"{median['requests']:,}",
        *each,
    ]


def _reference(case: dict[str, t.Any], cases: Iterable[dict[str, t.Any]]) -> dict[str, t.Any] | None:
    """Give ours with as many events."""
    return next(
        (
            ours
            for ours in cases
            if ours["competitor"] == OURS
            and ours["events"] == case["events"]
            and ours["concurrency"] in {REFERENCE_CONCURRENCY, None}
        ),
        None,
    )


def _ratios(case: dict[str, t.Any], ours: dict[str, t.Any] | None) -> list[str]:
    if ours is None:
        return ["", ""]
    return [f"{case['median'][name] / ours['median'][name]:.2f}" for name in ("wall", "user")]


def _claims(claims: list[dict[str, t.Any]]) -> str:
    rows = [
        [
            claim["text"],
            f"{claim['limit']:.3g} {claim['unit']}",
            f"{claim['measured']:.3g} {claim['unit']}",
            "yes" if claim["holds"] else "no",
        ]
        for claim in claims
    ]
    return document.table([["", "at most", "measured", "holds"], *rows])
