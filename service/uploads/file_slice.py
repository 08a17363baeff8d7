"""A part of a file that reads like a file of its own."""

import os
from typing import IO


class ReadTooLarge(ValueError):
    """More was asked for in one read than a sound file needs: a header of it is false."""


class FileSlice:
    """A range of a file: `length` bytes from `start` on.

    It reads by position, so any number of slices can share one file.
    """

    def __init__(self, file: IO[bytes], start: int, length: int, most: int | None = None) -> None:
        self._file = file
        self._start, self._length = start, length
        self._most = most
        self._at = 0

    def read(self, size: int = -1) -> bytes:
        """Read up to `size` bytes. Raises ReadTooLarge for more than `most` bytes at a time."""
        rest = max(self._length - self._at, 0)
        wanted = rest if size < 0 else min(size, rest)
        if self._most is not None and wanted > self._most:
            raise ReadTooLarge(f"{wanted} bytes at a time")
        data = os.pread(self._file.fileno(), wanted, self._start + self._at)
        self._at += len(data)
        return data

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise OSError("seek before the beginning of the slice")
        self._at = base + offset
        return self._at

    def tell(self) -> int:
        return self._at

    def seekable(self) -> bool:
        return True
