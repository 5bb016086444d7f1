"""What is measured: the competitors, and on how many events and with which latency each of them runs."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, field

from benchmarks.event_log import SHAPES

if t.TYPE_CHECKING:
    from collections.abc import Iterator

OURS = "ours"
REFERENCE_CONCURRENCY = 8
"""The concurrency that the others are compared with."""

_FOLDER = "benchmarks/competitors"


@dataclass(frozen=True)
class Competitor:
    """A program that reads the log.

    Attributes:
        name: its short name, which is also that of its requirements file and its environment.
        label: what the tables call it.
        package: the distribution whose version is reported.
        command: its command line, with the places `{bin}`, `{config}` and `{folder}`.
        files: what it writes, as a pattern below `{folder}`.
        slow: whether it takes so long that it gets fewer events.
        python: the least version of Python that it runs on.
    """

    name: str
    label: str
    package: str
    command: tuple[str, ...]
    files: str = "stdout"
    slow: bool = False
    python: tuple[int, int] = (3, 10)

    @property
    def own_environment(self) -> bool:
        """Whether it has an environment of its own, and not that of the tap."""
        return self.package not in {"tap-endorlabs", "msgspec"}


COMPETITORS = {
    one.name: one
    for one in (
        Competitor(OURS, "tap-endorlabs", "tap-endorlabs", ("{bin}/tap-endorlabs", "--config", "{config}")),
        Competitor(
            "raw_limit", "raw limit (script)", "msgspec", ("{bin}/python", f"{_FOLDER}/raw_limit.py", "{config}")
        ),
        Competitor(
            "stock_sdk",
            "stock Singer SDK tap",
            "singer-sdk",
            ("{bin}/python", "-m", f"{_FOLDER.replace('/', '.')}.stock_sdk", "--config", "{config}"),
        ),
        Competitor(
            "dlt_rest_api",
            "dlt, rest_api",
            "dlt",
            ("{bin}/python", f"{_FOLDER}/dlt_rest_api.py", "{config}", "{folder}"),
            files="files/endor_labs/audit_logs/*.jsonl*",
            slow=True,
        ),
        Competitor(
            "airbyte_declarative",
            "airbyte-cdk, declarative",
            "airbyte-cdk",
            (
                "{bin}/source-declarative-manifest",
                "read",
                "--config",
                "{config}",
                "--catalog",
                f"{_FOLDER}/airbyte_declarative/catalog.json",
                "--manifest-path",
                f"{_FOLDER}/airbyte_declarative/manifest.yaml",
            ),
            slow=True,
        ),
        Competitor(
            "vendor_sdk",
            "vendor's SDK",
            "endorlabs",
            ("{bin}/python", f"{_FOLDER}/vendor_sdk.py", "{config}"),
            slow=True,
            python=(3, 12),
        ),
    )
}


IMPORT = Competitor("import_sdk", "import singer_sdk, alone", "", ("{bin}/python", "-c", "import singer_sdk"))
"""What any tap on the SDK takes before it does anything; it reads nothing."""


@dataclass(frozen=True)
class Load:
    """What a server holds, and how it answers."""

    events: int
    latency: float = 0.0
    shape: str = "uniform"


Run = tuple[str, Load, int | None, bool]
"""A competitor's name, its load, its concurrency, and whether it proves what it reads."""


@dataclass(frozen=True)
class Case:
    """One line of a table: a competitor under a load; `concurrency` is None where it can't be chosen.

    Without `proves` ours runs with `completeness_check: never`.
    """

    table: str
    competitor: Competitor
    load: Load
    concurrency: int | None = None
    proves: bool = True

    @property
    def run(self) -> Run:
        """What is run for it; cases of several tables may share that."""
        return self.competitor.name, self.load, self.concurrency, self.proves

    @property
    def label(self) -> str:
        """What the tables call it."""
        name = self.competitor.label
        label = name if self.concurrency is None else f"{name}, concurrency {self.concurrency}"
        return label if self.proves else f"{label}, without proof"


@dataclass(frozen=True)
class Sizes:
    """How large the measurements are."""

    plain: int = 100_000
    waiting: int = 50_000
    slow: int = 20_000
    latency: float = 0.2
    compared: tuple[int, ...] = (1, 4, 8, 16)
    growth: tuple[int, ...] = (10_000, 50_000, 100_000, 300_000, 1_000_000)
    concurrency: tuple[int, ...] = (1, 2, 4, 8, 16, 32)
    shapes: tuple[str, ...] = field(default=tuple(SHAPES))
    states: tuple[int, ...] = (10_000, 100_000, 1_000_000)
    tasks: int = 40


FULL = Sizes()
QUICK = Sizes(3_000, 3_000, 1_500, 0.05, (1, 8), (1_000, 5_000), (1, 8), ("uniform", "tied"), (1_000, 5_000), 4)

TABLES = {
    "plain": "Without latency",
    "waiting": "With {latency:g} s of latency for each request",
    "start-up": "Start-up: an empty log",
    "growth": "tap-endorlabs: how it grows with the events, without latency",
    "concurrency": "tap-endorlabs: how it grows with `concurrency`, {latency:g} s of latency",
    "proof": "tap-endorlabs: what the proof by count costs, {latency:g} s of latency",
    "shapes": "tap-endorlabs: how events that are spread otherwise change it, {latency:g} s of latency",
}
"""What each table shows."""


def make_cases(sizes: Sizes, competitors: t.Collection[Competitor]) -> list[Case]:
    """Give all that is to be measured.

    Args:
        sizes: how large.
        competitors: those that take part.
    """
    loads = {"plain": Load(sizes.plain), "waiting": Load(sizes.waiting, sizes.latency)}
    cases = [
        case
        for table, load in loads.items()
        for case in _compared(table, load, Load(sizes.slow, load.latency), competitors, sizes.compared)
    ]
    cases += [Case("start-up", c, Load(0)) for c in competitors if c.name in {OURS, "stock_sdk"}]
    ours, waiting = COMPETITORS[OURS], loads["waiting"]
    if ours in competitors:
        cases += [Case("start-up", IMPORT, Load(0))]
        cases += [Case("growth", ours, Load(events), REFERENCE_CONCURRENCY) for events in sizes.growth]
        cases += [Case("concurrency", ours, waiting, number) for number in sizes.concurrency]
        cases += [Case("proof", ours, waiting, REFERENCE_CONCURRENCY, proves) for proves in (True, False)]
        shapes = [Load(waiting.events, waiting.latency, shape) for shape in sizes.shapes]
        cases += [Case("shapes", ours, load, REFERENCE_CONCURRENCY) for load in shapes]
    return list(dict.fromkeys(cases))


def _compared(
    table: str, load: Load, few: Load, competitors: t.Collection[Competitor], concurrencies: tuple[int, ...]
) -> Iterator[Case]:
    """Give a table of all competitors: first those that get all events, then those that get few, and ours with few."""
    ours = COMPETITORS[OURS]
    if ours in competitors:
        yield from (Case(table, ours, load, number) for number in concurrencies)
    yield from (Case(table, one, load) for one in competitors if one != ours and not one.slow)
    if ours in competitors and any(one.slow for one in competitors):
        yield Case(table, ours, few, REFERENCE_CONCURRENCY)
    yield from (Case(table, one, few) for one in competitors if one.slow)
