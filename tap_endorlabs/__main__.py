"""Lets `python -m tap_endorlabs` run the tap."""

from __future__ import annotations

from tap_endorlabs.tap import TapEndorLabs

if __name__ == "__main__":
    TapEndorLabs.cli()
