"""Keeping secrets and forged lines out of what people read: messages, log records and tracebacks."""

from __future__ import annotations

import base64
import contextlib
import json
import logging
import re
import traceback
import typing as t
from urllib.parse import quote, quote_plus

if t.TYPE_CHECKING:
    from collections.abc import Iterator


_SHORTEST = 6
"""A text of fewer characters is no secret: to hide it would only garble the messages."""


class Secrets:
    """Texts that must not appear in any message, in whatever form they could get there.

    Args:
        texts: the first of them; more may be added.
    """

    def __init__(self, *texts: str) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*texts)

    def add(self, *texts: str) -> None:
        """Take more secrets; those of fewer than six characters are none."""
        self._forms |= {form for text in texts if len(text.strip()) >= _SHORTEST for form in _forms(text)}
        if self._forms:
            longest_first = sorted(self._forms, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(re.escape, longest_first)), re.IGNORECASE)

    def hide(self, text: str) -> str:
        """Put `***` in the place of each secret."""
        return text if self._pattern is None else self._pattern.sub("***", text)


def _forms(text: str) -> set[str]:
    """A secret as it stands in a URL, in JSON, in Python's own messages, and in the header of a proxy."""
    raw = text.encode(errors="replace")
    return {
        text,
        quote(raw),
        quote(raw, safe=""),
        quote_plus(raw),
        json.dumps(text)[1:-1],
        json.dumps(text, ensure_ascii=False)[1:-1],
        repr(text)[1:-1],
        base64.b64encode(raw).decode().rstrip("="),
        base64.urlsafe_b64encode(raw).decode().rstrip("="),
    }


@contextlib.contextmanager
def guarded_log(secrets: Secrets) -> Iterator[None]:
    """Make each log record of this process, libraries' too, one printable line that shows no secret.

    A traceback follows with its lines indented, so that no text in it can pass for a log line.
    """
    make = logging.getLogRecordFactory()

    def make_guarded(*args: t.Any, **kwargs: t.Any) -> logging.LogRecord:  # noqa: ANN401 - those of a log record
        record = make(*args, **kwargs)
        text = _message(record)
        if (line := _printable(secrets.hide(text))) != text:
            record.msg, record.args = line, None
        if record.exc_info:
            trace = secrets.hide("".join(traceback.format_exception(*record.exc_info)))
            # The formatter prints this text; one for JSON would rather take the exceptions apart itself, but shows
            # other fields of a record.
            record.exc_text = "\n".join(f"    {_printable(line)}" for line in trace.splitlines())
            record.traceback = record.exc_text
            record.exc_info = None
        return record

    logging.setLogRecordFactory(make_guarded)
    try:
        yield
    finally:
        logging.setLogRecordFactory(make)


def _message(record: logging.LogRecord) -> str:
    try:
        return record.getMessage()
    except Exception:  # noqa: BLE001 - a library's wrong arguments, which the handler would print as they are
        record.args, message = None, f"{record.msg} {record.args}"
        record.msg = message
        return message


def _printable(text: str) -> str:
    return text if text.isprintable() else "".join(c if c.isprintable() else " " for c in text)
