"""Runs the tap."""

from __future__ import annotations

from benchmarks.competitors.stock_sdk.tap import TapStock

TapStock.cli()
