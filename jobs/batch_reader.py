"""Reads what is kept of a batch, also while it runs."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

from jobs.artifacts import ArtifactStore
from jobs.batch import BatchPart, BatchRow, BatchState
from jobs.model import Job


@dataclass(frozen=True)
class FileRange:
    """Bytes of one file in the object store. `name` identifies them among those of the batch."""

    key: str
    start: int
    bytes: int
    name: str


class BatchReader:
    """One state of one batch. While the batch runs, its files may go when a newer state has come.

    Methods raise NotFound then, or an error of the object store.
    """

    def __init__(self, files: ArtifactStore, job: Job) -> None:
        self._files = files
        self.state = read_state(files, job)

    def rows(self, start: int) -> Iterator[BatchRow]:
        """Yield the rows from number `start` on."""
        for part in self.state.parts:
            if part.first + part.rows > start:
                for row in self._rows_of(part):
                    if row.index >= start:
                        yield row

    def find(self, image_id: str) -> BatchRow | None:
        """Return the row of an image, or None if it is not done."""
        wanted = f'"image":"{image_id}"'.encode()
        for part in self.state.parts:
            for line in self._files.get(part.rows_key).splitlines():
                if wanted in line:
                    return BatchRow.model_validate_json(line)
        return None

    def file(self, row: BatchRow, name: str) -> FileRange | None:
        """Return where a file of a row lies, or None if the row has no such file."""
        if name not in row.files:
            return None
        offset, length = row.files[name]
        for part in self.state.parts:
            if part.shard == row.shard and 0 <= offset - part.start < part.bytes:
                identity = f"{row.shard}-{offset}-{length}"
                return FileRange(part.key, offset - part.start, length, identity)
        return None

    @property
    def manifest_bytes(self) -> int:
        """The length of the manifest."""
        return sum(part.rows_bytes for part in self.state.parts)

    def manifest(self) -> Iterator[bytes]:
        """Yield the manifest in chunks."""
        parts = self.state.parts
        return chain.from_iterable(
            self._files.chunks(part.rows_key, 0, part.rows_bytes) for part in parts
        )

    def _rows_of(self, part: BatchPart) -> list[BatchRow]:
        lines = self._files.get(part.rows_key).splitlines()
        return [BatchRow.model_validate_json(line) for line in lines]


def read_state(files: ArtifactStore, job: Job) -> BatchState:
    """Return the state that the record names; an empty one if nothing is kept yet."""
    if job.batch is None:
        return BatchState()
    return BatchState.model_validate_json(files.get(job.batch.key))
