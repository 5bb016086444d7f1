"""Files that are there whole or not at all, in a folder of any file system that fsspec knows."""

from __future__ import annotations

import contextlib
import gzip
import posixpath
import typing as t
import uuid
from dataclasses import dataclass

if t.TYPE_CHECKING:
    from collections.abc import Iterator

    from fsspec import AbstractFileSystem

# Fast enough to keep up with the tap; the files get a few percent larger than at the highest level.
_COMPRESSION = 6


@dataclass(frozen=True)
class Folder:
    """A folder.

    Args:
        fs: the file system that it is in.
        path: where it is there.
    """

    fs: AbstractFileSystem
    path: str

    def __truediv__(self, name: str) -> Folder:
        """Give a folder in it."""
        return Folder(self.fs, posixpath.join(self.path, name))

    def read(self, name: str) -> bytes | None:
        """Give what a file holds, None if there is none."""
        try:
            return bytes(self.fs.cat_file(self._path(name)))
        except FileNotFoundError:
            return None

    def write(self, name: str, content: bytes) -> None:
        """Write or replace a file.

        What a killed process has left beside it stays, as another one may be writing the same file.
        """
        part = self._part(name)
        with self._removed_on_error(part):
            self.fs.makedirs(self.path, exist_ok=True)
            self.fs.pipe_file(part, content)
            self.fs.mv(part, self._path(name))

    @contextlib.contextmanager
    def packed(self, name: str, *, keep_empty: bool = True) -> Iterator[t.BinaryIO]:
        """Write or replace a file, compressed.

        It takes the place of an older one at the end of the `with` block, and not if that raises.

        Args:
            name: of the file.
            keep_empty: whether a file that nothing was written to counts.
        """
        self.fs.makedirs(self.path, exist_ok=True)
        # What a killed try has left.
        for left in self.fs.glob(self._path(f".{name}.*.part")):
            self.fs.rm_file(left)
        part = self._part(name)
        with self._removed_on_error(part):
            # Without a time and a name inside, the same events make the same bytes.
            with self.fs.open(part, "wb") as file, gzip.GzipFile("", "wb", _COMPRESSION, file, mtime=0) as packed:
                yield t.cast("t.BinaryIO", packed)
                empty = packed.tell() == 0
            if empty and not keep_empty:
                self.fs.rm_file(part)
            else:
                self.fs.mv(part, self._path(name))

    def _path(self, name: str) -> str:
        return posixpath.join(self.path, name)

    def _part(self, name: str) -> str:
        """Give a path beside a file, which no other process writes to, and which no reader takes for a file."""
        return self._path(f".{name}.{uuid.uuid4().hex}.part")

    @contextlib.contextmanager
    def _removed_on_error(self, part: str) -> Iterator[None]:
        try:
            yield
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                self.fs.rm_file(part)
            raise
