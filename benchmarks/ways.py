"""What it costs to deselect fields, and to write batch files: the same log in each way, in turn, in one go.

Run it with `python -m benchmarks.ways`. It prints a table in Markdown: wall and CPU time of the tap, and both as
multiples of those of plain records.
"""

from __future__ import annotations

import argparse
import contextlib
import datetime as dt
import json
import statistics
import tempfile
import typing as t
from pathlib import Path

from benchmarks.cases import REFERENCE_CONCURRENCY, Load
from benchmarks.environments import OWN_BINARIES
from benchmarks.measure import config_for, count_events, run_program
from benchmarks.scale import document
from benchmarks.servers import DAYS, Servers
from tap_endorlabs.tap import TapEndorLabs

BATCHES = {"encoding": {"format": "jsonl", "compression": "gzip"}}


class Way(t.NamedTuple):
    """A way to write records: which fields are left out, and whether into batch files."""

    left_out: tuple[str, ...] = ()
    is_batch: bool = False


WAYS = {
    "plain": Way(),
    "without `spec.claims`": Way(("spec.claims",)),
    "without four fields, nested": Way(("spec.claims", "spec.payload", "meta.created_by", "spec.error.message")),
    "batch files (JSON lines)": Way(is_batch=True),
}


def run(way: Way, url: str, start: dt.datetime, events: int) -> tuple[float, float]:
    """Run the tap once; give its seconds of wall and of CPU time.

    Raises:
        RuntimeError: it failed, or not every event came once.
    """
    with tempfile.TemporaryDirectory(prefix="bench-") as name:
        folder = Path(name)
        config = config_for(url, start) | {"concurrency": REFERENCE_CONCURRENCY}
        if way.is_batch:
            config["batch_config"] = BATCHES | {"storage": {"root": f"file://{folder}"}}
        (folder / "config.json").write_text(json.dumps(config))
        (folder / "catalog.json").write_text(json.dumps(catalog_without(way.left_out)))
        command = [f"{OWN_BINARIES}/tap-endorlabs", "--config", f"{folder}/config.json"]
        code, wall, user, system, _ = run_program([*command, "--catalog", f"{folder}/catalog.json"], folder)
        missing, repeated = count_events(folder.glob("*.json.gz" if way.is_batch else "stdout"), events)
        if code or missing or repeated:
            raise RuntimeError(f"{missing} missing, {repeated} repeated: {(folder / 'stderr').read_text()[-2_000:]}")
    return wall, user + system


def catalog_without(fields: tuple[str, ...]) -> dict[str, t.Any]:
    """Give a catalog with the audit logs alone, and without some of their fields."""
    catalog = TapEndorLabs(config={}, validate_config=False).catalog_dict
    for entry in catalog["streams"][0]["metadata"]:
        if ".".join(entry["breadcrumb"][1::2]) in fields:
            entry["metadata"]["selected"] = False
    return catalog


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ways", description=__doc__.partition("\n")[0])
    parser.add_argument("--events", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    start = dt.datetime.now(dt.timezone.utc) - dt.timedelta(days=DAYS + 1)
    with contextlib.ExitStack() as stack:
        url = Servers(stack).url_of(Load(given.events))
        rounds = [[run(way, url, start, given.events) for way in WAYS.values()] for _ in range(given.rounds)]
    medians = [
        [statistics.median(figures) for figures in zip(*runs, strict=True)] for runs in zip(*rounds, strict=True)
    ]
    rows = [
        [name, *(f"{figure:.2f}" for figure in (*own, own[0] / medians[0][0], own[1] / medians[0][1]))]
        for name, own in zip(WAYS, medians, strict=True)
    ]
    print(document.table([[f"{given.events:,} events", "wall s", "CPU s", "x plain: wall", "CPU"], *rows]))


if __name__ == "__main__":
    main()
