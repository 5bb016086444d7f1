"""Plays rounds of the kill campaign; ends with 1 if an event was lost or repeated, or a promise was not kept."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from tests.soak.chain import Tally, play

SECONDS_BETWEEN_LINES = 15


def main() -> int:
    """Play the rounds that the command line asks for; give the exit code."""
    arguments = _parser().parse_args()
    # The server complains of clients that are killed while they send.
    logging.getLogger("aiohttp.server").setLevel(logging.CRITICAL)
    first = int(time.time()) if arguments.seed is None else arguments.seed
    print(f"{arguments.rounds} rounds from seed {first} on, {arguments.jobs} at a time", flush=True)
    total, failed = Tally(), []
    told = time.monotonic()
    with ThreadPoolExecutor(arguments.jobs) as pool:
        rounds = {pool.submit(_play, seed): seed for seed in range(first, first + arguments.rounds)}
        for done in as_completed(rounds):
            tally, seed = done.result(), rounds[done]
            total += tally
            if tally.complaints:
                failed.append(seed)
                _tell_failure(seed, tally)
            if time.monotonic() - told > SECONDS_BETWEEN_LINES:
                told = time.monotonic()
                print(total, flush=True)
    print(f"\nSeeds {first} to {first + arguments.rounds - 1}: {total}")
    print(f"{len(failed)} rounds failed" if failed else "Every event once.")
    return 1 if failed else 0


def _play(seed: int) -> Tally:
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        return play(seed, Path(folder))


def _tell_failure(seed: int, tally: Tally) -> None:
    print(f"\nThe round of seed {seed} failed: {tally}")
    for complaint in tally.complaints[:10]:
        print(f"  {complaint}")
    print(f"Repeat it with: make soak SOAK='--seed {seed} --rounds 1'\n", flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--rounds", type=int, default=200, help="how many rounds to play")
    parser.add_argument("--seed", type=int, help="seed of the first round, by default another each time")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="rounds played at once")
    return parser


if __name__ == "__main__":
    sys.exit(main())
