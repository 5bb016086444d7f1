"""Singer messages line by line, decoded no further than it takes to see what they are."""

from __future__ import annotations

import sys
import typing as t
from dataclasses import dataclass

import msgspec
from singer_sdk.io_base import GenericSingerReader, SingerMessageType
from singer_sdk.singerlib.encoding.simple import Message
from typing_extensions import override

from tap_endorlabs.errors import TapError, one_line
from tap_endorlabs.ocsf.event import UnmappableError
from tap_endorlabs.sync.messages import MessageWriter

if t.TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from tap_endorlabs.sync.signals import Signals

_message = msgspec.json.Decoder(dict[str, msgspec.Raw])
_text = msgspec.json.Decoder(str)


@dataclass(slots=True)
class Line(Message):
    """A message that is written as it is.

    Attributes:
        line: its bytes, with the line break.
    """

    line: bytes


class LineReader(GenericSingerReader[bytes]):
    """Gives each message as a dict with its `type`, its `stream`, its `fields` as raw JSON, and the `line` itself."""

    def __init__(self) -> None:
        super().__init__()
        self._number = 0

    @property
    @override
    def default_input(self) -> t.IO[bytes]:
        """Where messages come from.

        Raises:
            TapError: stdin is closed.
        """
        # The type knows of no closed stdin.
        if t.cast("t.TextIO | None", sys.stdin) is None:
            raise TapError("The mapper has no stdin, as it was closed: pipe the tap's output into it.")
        return sys.stdin.buffer

    @override
    def process_lines(
        self, file_input: t.IO[bytes] | None, callbacks: dict[str, Callable[[dict[str, t.Any]], None]]
    ) -> Counter[str]:
        """Let each line be processed, and count them by their type.

        Raises:
            TapError: a line is no Singer message, or can't be mapped.
        """
        try:
            return super().process_lines(file_input, callbacks)
        except RecursionError:
            raise TapError(
                f"Line {self._number} of the input is nested too deeply to be mapped: "
                "leave that field out, such as by a selection of the tap."
            ) from None
        except UnmappableError as error:
            raise TapError(f"Line {self._number} of the input, {error}") from None

    @override
    def deserialize_json(self, line: bytes) -> dict[str, t.Any]:
        """Take a line apart.

        Raises:
            TapError: it is no Singer message.
        """
        self._number += 1
        try:
            # What is passed on unread is not decoded; a target would end with a traceback at it.
            if not line.isascii():
                line.decode()
            fields = _message.decode(line)
            kind = _text.decode(fields["type"])
            # The SDK would repeat the whole message where it does not know its type.
            has_stream = SingerMessageType(kind) != SingerMessageType.STATE
            stream = _text.decode(fields["stream"]) if has_stream else ""
        except (ValueError, KeyError) as error:
            raise TapError(
                f"Line {self._number} of the input is no Singer message ({_what_is_wrong(error)}): "
                "pipe the tap's output into this, and see the tap's own log for why it ended."
            ) from None
        return {"type": kind, "stream": stream, "fields": fields, "line": line}


def _what_is_wrong(error: ValueError | KeyError) -> str:
    if isinstance(error, UnicodeDecodeError):
        return f"not UTF-8 from byte {error.start + 1} on"
    if isinstance(error, KeyError):
        return f"no {error.args[0]}"
    return one_line(str(error)) if isinstance(error, msgspec.DecodeError) else "no known type"


class LineWriter(MessageWriter):
    """Writes lines.

    Args:
        signals: wait until a line is written.
    """

    def __init__(self, signals: Signals) -> None:
        super().__init__()
        self._signals = signals

    @override
    def write_message(self, message: Message) -> None:
        """Write a `Line`, as all messages of the mapper are.

        Raises:
            TargetGoneError: nobody takes it any more.
        """
        with self._signals.deferred():
            self.write_lines(t.cast("Line", message).line)
