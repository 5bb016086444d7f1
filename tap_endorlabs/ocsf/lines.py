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
from tap_endorlabs.sync.messages import MessageWriter

if t.TYPE_CHECKING:
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
        """Where messages come from."""
        return sys.stdin.buffer

    @override
    def deserialize_json(self, line: bytes | str) -> dict[str, t.Any]:
        """Take a line apart.

        Raises:
            TapError: it is no Singer message.
        """
        self._number += 1
        try:
            fields = _message.decode(line)
            kind = _text.decode(fields["type"])
            stream = _text.decode(fields["stream"]) if "stream" in fields else ""
            # The SDK would repeat the whole message where it does not know its type.
            _ = SingerMessageType(kind)
        except (ValueError, KeyError) as error:
            what = one_line(str(error)) if isinstance(error, msgspec.DecodeError) else "no known type"
            raise TapError(
                f"Line {self._number} of the input is no Singer message ({what}): "
                "pipe the tap's output into this, and see the tap's own log for why it ended."
            ) from None
        return {
            "type": kind,
            "stream": stream,
            "fields": fields,
            "line": line.encode() if isinstance(line, str) else line,
        }


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
