"""The tap's real command line with short waits between tries: `python -m tests.soak.impatient_tap`."""

from __future__ import annotations

from tap_endorlabs.api.retry import Retry
from tap_endorlabs.tap import TapEndorLabs

if __name__ == "__main__":
    TapEndorLabs.retry = Retry(first_wait=0.02, max_wait=0.2)
    TapEndorLabs.cli()
