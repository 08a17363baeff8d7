"""What a form or a zip file held: its texts, and its files as ranges of one file."""

from dataclasses import dataclass, field
from typing import IO

from service.uploads.file_slice import FileSlice


@dataclass
class UploadedFile:
    """A file of the body, and its range in the file that holds all of them."""

    field: str
    name: str
    start: int
    length: int = 0

    def open(self, file: IO[bytes], most: int | None = None) -> FileSlice:
        """Return the file as a readable slice; one read returns at most `most` bytes."""
        return FileSlice(file, self.start, self.length, most)

    def read(self, file: IO[bytes], most: int | None = None) -> bytes:
        """Return the first `most` bytes, by default all, of a file that may still be written."""
        end = file.tell()
        file.seek(self.start)
        data = file.read(self.length if most is None else min(self.length, most))
        file.seek(end)
        return data


@dataclass
class Upload:
    """A body that has arrived: the texts with their fields, in order, and the files."""

    file: IO[bytes]
    texts: list[tuple[str, str]] = field(default_factory=list)
    files: list[UploadedFile] = field(default_factory=list)
