"""The character NUL is replaced on request: wherever it is in an event, and nothing that looks like it."""

from __future__ import annotations

import json
import typing as t

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tap_endorlabs.api.records import Event
from tap_endorlabs.sync.messages import without_null


def replaced(raw: str) -> str:
    event = Event("2024-11-13T15:30:45.500000Z", "a", raw.encode())
    ((stamp, uuid, result),) = without_null([event])
    assert (stamp, uuid) == event[:2]
    return result.decode()


@pytest.mark.parametrize(
    ("raw", "wanted"),
    [
        (r'{"a":"\u0000"}', r'{"a":"\ufffd"}'),
        (r'{"\u0000":{"b\u0000":["\u0000x\u0000\u0000"]}}', r'{"\ufffd":{"b\ufffd":["\ufffdx\ufffd\ufffd"]}}'),
        (r'{"a":"\\u0000"}', r'{"a":"\\u0000"}'),
        (r'{"a":"\\\u0000"}', r'{"a":"\\\ufffd"}'),
        (r'{"a":"\\\\u0000\u0000"}', r'{"a":"\\\\u0000\ufffd"}'),
        (r'{"a":"\n\u0000","b":"u0000"}', r'{"a":"\n\ufffd","b":"u0000"}'),
        (r'{"a":"\u00001"}', r'{"a":"\ufffd1"}'),
        ('{"a":"ü"}', '{"a":"ü"}'),
    ],
)
def test_null_characters_are_replaced_and_nothing_else(raw: str, wanted: str) -> None:
    assert replaced(raw) == wanted


def all_replaced(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        return {all_replaced(key): all_replaced(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [all_replaced(inner) for inner in value]
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


texts = st.text(alphabet='\0\\u0"n', max_size=8)


@given(st.dictionaries(texts, st.lists(texts | st.dictionaries(texts, texts, max_size=2), max_size=3), max_size=3))
def test_null_characters_are_replaced_wherever_they_are(value: dict[str, t.Any]) -> None:
    assert json.loads(replaced(json.dumps(value))) == all_replaced(value)


def test_a_page_without_null_characters_is_left_as_it_is() -> None:
    events = [Event("2024-11-13T15:30:45.500000Z", "a", b"{}")]
    assert without_null(events) is events
