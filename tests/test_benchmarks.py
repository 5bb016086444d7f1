"""The benchmarks' stock tap, which runs in an environment of its own, finds the schema of the tap it stands beside."""

from __future__ import annotations

import pytest

from tap_endorlabs.tap import TapEndorLabs

# The sdist has no benchmarks.
streams = pytest.importorskip("benchmarks.competitors.stock_sdk.streams")


def test_the_stock_tap_has_the_fields_of_this_one() -> None:
    ours = TapEndorLabs(config={}, validate_config=False).streams["audit_logs"].schema["properties"]
    theirs = streams.load_schema()["properties"]
    assert theirs.keys() == ours.keys()
    assert theirs["spec"]["properties"].keys() == ours["spec"]["properties"].keys()
