"""Measures whole pipelines, and prints the table; `make bench` measures them, too.

    python -m benchmarks.pipelines --against v0.1.0 --alone

holds the working tree against another revision of it, and nothing else.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt

from benchmarks.pipelines.pipeline import TARGETS
from benchmarks.pipelines.projects import OURS, other_pipelines, ours, revision
from benchmarks.pipelines.rounds import measure_pipelines, table
from benchmarks.servers import DAYS, Servers


def main() -> None:
    """Measure and print the table."""
    summary = __doc__.partition("\n")[0]
    parser = argparse.ArgumentParser(prog="python -m benchmarks.pipelines", description=summary)
    parser.add_argument("--uv", default="uv", help="uv's executable, which installs the others")
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--few", type=int, default=20_000, help="events for those that are slow")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", metavar="REVISION", help="measure this revision of the project, too")
    parser.add_argument("--alone", action="store_true", help="measure no others")
    given = parser.parse_args()
    pipelines = [ours(target) for target in TARGETS]
    if given.against:
        project = revision(given.against)
        pipelines += [ours(target, project, f"{OURS} at {given.against}") for target in TARGETS]
    if not given.alone:
        pipelines += other_pipelines(given.uv)
    start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS + 1)
    with contextlib.ExitStack() as stack:
        url_of = Servers(stack).url_of
        rows = measure_pipelines(pipelines, url_of, start, (given.events, given.few), given.rounds)
    print(table(rows))


if __name__ == "__main__":
    main()
