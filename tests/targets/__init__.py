"""Whole chains of Meltano, the tap and real targets: `make test-targets`."""

from __future__ import annotations
