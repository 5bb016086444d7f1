"""Measures all competitors in turn, several rounds, and writes the figures, the tables and the picture."""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import statistics
import subprocess
import sys
import typing as t
from dataclasses import asdict, fields
from pathlib import Path

from benchmarks import report
from benchmarks.cases import COMPETITORS, FULL, IMPORT, OURS, QUICK, Case, Load, Run, make_cases
from benchmarks.claims import judge
from benchmarks.environments import FOLDER, OWN_BINARIES, binaries_for, install, version_of
from benchmarks.machine import facts
from benchmarks.measure import Figures, measure
from benchmarks.pipelines.pipeline import TARGETS
from benchmarks.pipelines.projects import other_pipelines, ours
from benchmarks.pipelines.rounds import measure_pipelines
from benchmarks.scale import tables
from benchmarks.scale.engine import measure_engine
from benchmarks.scale.inputs import measure_inputs
from benchmarks.servers import DAYS, Servers

PUBLISHED = Path("benchmarks")
"""Where the figures of a whole run go; those of others go to `.bench/results`."""


def main() -> int:
    """Run the benchmarks; give 1 if a program did not deliver every event once."""
    given = _arguments()
    wanted = given.only or list(COMPETITORS)
    binaries = {name: binaries_for(COMPETITORS[name], given.uv) for name in wanted}
    for name in [name for name, folder in binaries.items() if folder is None]:
        least = ".".join(map(str, COMPETITORS[name].python))
        print(f"Left out: {COMPETITORS[name].label}, which needs Python {least} or newer")
        del binaries[name]
    ready = t.cast("dict[str, Path]", binaries)
    sizes = QUICK if given.quick else FULL
    cases = make_cases(sizes, [COMPETITORS[name] for name in ready])
    results = {
        "machine": facts(),
        "versions": {COMPETITORS[n].label: version_of(COMPETITORS[n].package, b) for n, b in ready.items()},
        "rounds": given.rounds,
        "latency": sizes.latency,
    }
    start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS + 1)
    with contextlib.ExitStack() as stack:
        servers = Servers(stack)
        results["cases"] = run_rounds(cases, ready | {IMPORT.name: OWN_BINARIES}, given.rounds, servers, start)
        if OURS in ready and not given.only:
            print("Measuring pipelines", flush=True)
            pipelines = [*map(ours, TARGETS), *other_pipelines(given.uv)]
            size = (sizes.plain, sizes.slow)
            results["pipelines"] = measure_pipelines(pipelines, servers.url_of, start, size, given.rounds)
            print("Measuring bytes, states, and tasks of Airflow", flush=True)
            results["inputs"] = measure_inputs(servers.url_of, start, sizes, given.rounds)
            results["engine"] = measure_engine(sizes.tasks)
    results["claims"] = [] if given.quick else judge(results["cases"], results.get("pipelines", []))
    whole = not given.quick and not given.only
    folder = PUBLISHED if whole else FOLDER / "results"
    write(results, folder, given.uv)
    if whole:
        tables.write(results)
    return 0 if all(case["complete"] for case in results["cases"]) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--uv", default="uv", help="uv's executable, which installs the competitors")
    parser.add_argument("--quick", action="store_true", help="few events and one round, to see that all works")
    parser.add_argument("--only", type=_names, metavar="NAME,...", help=f"some of {', '.join(COMPETITORS)}")
    parser.add_argument("--rounds", type=int, help="how often each is measured; the median counts (3, or 1 if quick)")
    given = parser.parse_args()
    given.rounds = given.rounds or (1 if given.quick else 3)
    return given


def _names(text: str) -> list[str]:
    names = text.split(",")
    if unknown := set(names) - COMPETITORS.keys():
        raise argparse.ArgumentTypeError(f"no such competitor: {', '.join(sorted(unknown))}")
    return names


def run_rounds(
    cases: list[Case], binaries: dict[str, Path], rounds: int, servers: Servers, start: dt.datetime
) -> list[dict[str, t.Any]]:
    """Measure all cases in turn, as often as there are rounds; give what each of them took.

    Args:
        cases: what is measured.
        binaries: the folder of each competitor's executables.
        rounds: how often.
        servers: hold the events.
        start: a time before all events.
    """
    distinct = list({case.run: case for case in cases}.values())
    figures: dict[Run, list[Figures]] = {case.run: [] for case in distinct}

    def measured(case: Case) -> Figures:
        return measure(case, binaries[case.competitor.name], servers.url_of(case.load), start)

    # Not counted: the first start of a program compiles it, and brings its files into memory.
    for competitor in {case.competitor: None for case in cases}:
        measured(Case("warm-up", competitor, Load(10)))
    for number in range(1, rounds + 1):
        for case in distinct:
            figures[case.run].append(last := measured(case))
            _tell(number, case, last)
    return [_summary(case, figures[case.run]) for case in cases]


def _tell(number: int, case: Case, figures: Figures) -> None:
    load = case.load
    print(
        f"round {number}  {case.label:32} {load.events:9,} events {load.shape:8} {load.latency:4g} s latency "
        f"{figures.wall:8.2f} s{'' if figures.complete else '   NOT COMPLETE'}",
        flush=True,
    )


def _summary(case: Case, runs: list[Figures]) -> dict[str, t.Any]:
    """Give a case and the medians of its runs in a form for JSON."""
    medians = {name.name: statistics.median(getattr(run, name.name) for run in runs) for name in fields(Figures)}
    return {
        "table": case.table,
        "competitor": case.competitor.name,
        "label": case.label,
        "concurrency": case.concurrency,
        "proves": case.proves,
        **asdict(case.load),
        "complete": all(run.complete for run in runs),
        "median": medians,
        "runs": [asdict(run) for run in runs],
    }


def write(results: dict[str, t.Any], folder: Path, uv: str) -> None:
    """Print the tables, and write them, the figures and the picture into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = folder / "results.json"
    figures.write_text(json.dumps(results, indent=1) + "\n")
    text = report.markdown(results)
    (folder / "results.md").write_text(text)
    print(f"\n{text}")
    python = install("plot", sys.executable, uv) / "python"
    picture = folder / "results.svg"
    subprocess.run([python, "-m", "benchmarks.plot", figures, picture], check=True)
    print(f"Written: {figures}, {folder / 'results.md'}, {picture}")


if __name__ == "__main__":
    sys.exit(main())
