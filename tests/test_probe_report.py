"""Nothing of the log, of who reads it, or of where it is stands in the report of a probe."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from fake_endor_api import DEMO_KEY, DEMO_SECRET, FakeEndorApi, Fault, ManualClock, make_events_at
from fake_endor_api.times import SECOND, to_nanoseconds
from tests.conftest import NOW
from tests.harness import config_for
from tests.test_probe import REPORT, probe

if t.TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


MARK = "qzxv"
"""What stands in every value that must not be told, and in no text of the report's own."""

TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20).map(lambda text: MARK + text)
NUMBERS = st.integers(10**14, 10**18) | st.floats(1e14, 1e18)
VALUES = st.recursive(
    st.none() | st.booleans() | TEXTS | NUMBERS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)
FREE = ("tags", "annotations", "references", "index_data", "description", "created_by", "parent_kind", "parent_uuid")


@st.composite
def marked_events(draw: st.DrawFn) -> list[dict[str, t.Any]]:
    """Give events that have the mark in every text and every name of a field that the schema leaves open."""
    first = to_nanoseconds(NOW) - 3_000 * SECOND
    hexadecimal = draw(st.booleans())
    events = []
    for number in range(draw(st.integers(0, 15))):
        time = first + number * SECOND + draw(st.sampled_from([0, 500_000_000, 999_900_000]))
        (event,) = make_events_at([time])
        meta = {"name": draw(TEXTS), "create_time": event["meta"]["create_time"], MARK: draw(VALUES)}
        spec = {name: draw(VALUES) for name in ("operation", "payload", "claims", "error", "remote_address", MARK)}
        meta |= {name: draw(VALUES) for name in draw(st.sets(st.sampled_from(FREE)))}
        namespace = {"namespace": f"{MARK}.{MARK}" if draw(st.booleans()) else MARK, MARK: draw(VALUES)}
        uuid = f"{first // SECOND + number:08x}{number:016x}" if hexadecimal else f"{MARK}{number}"
        spec["message_kind"] = draw(st.none() | TEXTS)
        events.append({"uuid": uuid, "tenant_meta": namespace, "meta": meta, "spec": spec, MARK: draw(VALUES)})
    return events


def numbers_in(value: t.Any) -> t.Iterator[str]:
    if isinstance(value, (dict, list)):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from numbers_in(inner)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield json.dumps(value)


ARCHIVES = st.sampled_from(["read", "empty", "ignored", 403, 404])
STATUSES = st.sampled_from([400, 404, 405, 422, 429, 500, 501, 504])


# Without the phase that looks for a smaller example: it would take minutes of probes.
@pytest.mark.faults
@given(events=marked_events(), faults=st.dictionaries(st.integers(0, 40), STATUSES, max_size=3), archive=ARCHIVES)
@settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_nothing_of_the_log_is_told(
    events: list[dict[str, t.Any]], faults: dict[int, int], archive: t.Any, folder: Path
) -> None:
    (folder / REPORT).unlink(missing_ok=True)
    with FakeEndorApi(clock=ManualClock(NOW), key=f"endr+{MARK}-key", secret=f"endr+{MARK}-secret") as api:
        api.store.add(make_events_at([0], namespace=MARK, children=()))
        api.store.add(events)
        api.behaviour.archive_path = api.behaviour.archive_parameter = archive
        for after, status in faults.items():
            api.fail(Fault.status(status, message=f"{MARK} says {MARK}"), after=after, times=3)
        config = config_for(api, namespace=MARK, api_key=api.key, api_secret=api.secret, filter=f"meta.name!='{MARK}'")
        output = probe(folder, config)
        host = api.url.partition("://")[2]
    report = (folder / REPORT).read_text() if output.code == 0 else ""
    assert bool(report) == bool(output.stdout)
    for told in (report, output.stdout):
        assert MARK not in told.lower()
        assert host not in told
        assert "127.0.0.1" not in told
        assert not re.search(r"\d\d:\d\d:\d\d", told)
        assert not any(event["uuid"] in told for event in events)
        assert not any(number in told for number in numbers_in(events))


def test_credentials_are_not_told(api: FakeEndorApi, folder: Path) -> None:
    output = probe(folder, config_for(api))
    told = (folder / REPORT).read_text() + output.stdout
    assert not any(secret in told for secret in (DEMO_KEY, DEMO_SECRET, *api.tokens, "acme"))
    assert "not api.endorlabs.com" in told
