"""Writes into `docs/scale.md` what a number of events takes, from the figures that `make bench` has measured.

python -m benchmarks.scale                 # writes
python -m benchmarks.scale --price 0.12    # prints the tables with another price of an hour
"""

from __future__ import annotations

import argparse
import json

from benchmarks.scale.arithmetic import Measured
from benchmarks.scale.tables import PRICE, RESULTS, sections, write


def main() -> None:
    """Write the tables into the document, or print those of another price."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale", description=__doc__.split("\n", 1)[0])
    parser.add_argument("--price", type=float, default=PRICE, help="dollars for an hour of a worker with one core")
    price = parser.parse_args().price
    results = json.loads(RESULTS.read_text())
    if price == PRICE:
        write(results)
    else:
        print("\n\n".join(sections(Measured.of(results), price).values()))


if __name__ == "__main__":
    main()
