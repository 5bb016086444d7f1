"""Batch files, and what is said where one can't be written."""

from __future__ import annotations

import typing as t

from singer_sdk.batch import Batcher

from tap_endorlabs.errors import TapError, one_line

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from singer_sdk import Stream
    from singer_sdk.helpers._batch import BatchConfig
    from singer_sdk.helpers.types import Record


def batch_files(stream: Stream, config: BatchConfig, records: Iterator[Record]) -> Iterator[list[str]]:
    """Write records to files, and give the URLs of the files of each batch.

    Raises:
        TapError: a file can't be written, or what gives the records failed.
    """
    batches = Batcher(stream.tap_name, stream.name, config).get_batches(records)
    try:
        yield from batches
    except TapError:
        raise
    except Exception as error:
        # Which error it is depends on the library that writes files of this kind to this place.
        raise TapError(f"Setting batch_config: a file can't be written ({one_line(str(error))}).") from error
