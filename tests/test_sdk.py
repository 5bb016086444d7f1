"""The SDK's standard tests for taps, and what this tap needs of the SDK's private parts."""

from __future__ import annotations

import datetime as dt
import inspect
import subprocess
import sys
import typing as t

import pytest
from singer_sdk import Stream, Tap
from singer_sdk.testing import SuiteConfig, get_tap_test_class

from fake_endor_api import FakeEndorApi, ManualClock, make_events, make_sign_ins
from tap_endorlabs.streams import STREAMS
from tap_endorlabs.sync.log_stream import LogStream
from tap_endorlabs.tap import TapEndorLabs
from tests.conftest import NOW
from tests.harness import catalog_of, config_for

if t.TYPE_CHECKING:
    from collections.abc import Iterator

# The SDK wants the settings when the class is made; the address is put in when the fake API runs.
SETTINGS: dict[str, t.Any] = {
    "namespace": "acme",
    "api_key": "to-come",
    "api_secret": "to-come",
    "start_date": "2026-03-03T00:00:00Z",
}

StandardTests = get_tap_test_class(
    TapEndorLabs,
    config=SETTINGS,
    parse_env_config=False,
    catalog=catalog_of(*STREAMS),
    suite_config=SuiteConfig(max_records_limit=50),
)


@pytest.mark.filterwarnings("ignore:Fields in transformed catalog but not in records:UserWarning")
class TestStandard(StandardTests):  # type: ignore[misc, valid-type]
    """All of the SDK's tests, against the fake API."""

    @pytest.fixture(scope="class", autouse=True)
    @classmethod
    def fake_api(cls) -> Iterator[None]:
        with FakeEndorApi(clock=ManualClock(NOW)) as api:
            api.store.add(make_events(200, NOW - dt.timedelta(days=5), NOW))
            api.sign_ins.add(make_sign_ins(200, NOW - dt.timedelta(days=5), NOW))
            SETTINGS.update(config_for(api))
            yield


def parameters(method: t.Callable[..., t.Any]) -> list[tuple[str, t.Any, t.Any]]:
    return [(p.name, p.kind, p.default) for p in inspect.signature(method).parameters.values()]


def test_sync_records_is_still_what_the_sdk_calls() -> None:
    assert parameters(Stream._sync_records) == parameters(LogStream._sync_records)
    assert "self._sync_records(context=context)" in inspect.getsource(Stream.sync)
    assert "records = self._sync_records(context, write_messages=False)" in inspect.getsource(Stream.get_batches)
    assert "in batcher.get_batches(records=records)" in inspect.getsource(Stream.get_batches)


def test_validate_config_is_still_what_the_sdk_calls() -> None:
    assert parameters(Tap._validate_config) == parameters(TapEndorLabs._validate_config)
    with pytest.raises(Exception, match="The settings are wrong"):
        TapEndorLabs(config={})


def test_a_start_imports_little_more_than_the_sdk_itself() -> None:
    code = (
        "import sys, singer_sdk; before = set(sys.modules); import tap_endorlabs.tap;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    # What coverage brings along does not count, nor what the SDK imports itself on some versions of Python.
    others = {"coverage", "typing_extensions"}
    assert set(done.stdout.split()) - sys.stdlib_module_names - others == {"tap_endorlabs", "msgspec"}


def test_the_line_that_is_dropped_is_still_the_sdk_s() -> None:
    assert "An unhandled error occurred while syncing" in inspect.getsource(Stream.sync)


def test_the_signal_handler_is_still_the_sdk_s() -> None:
    assert parameters(Tap._handle_termination) == parameters(TapEndorLabs._handle_termination)
    assert "self._handle_termination" in inspect.getsource(Tap._setup_signal_handlers)
