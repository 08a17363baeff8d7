"""Keeps the rows of a batch as they are done, so that a crash loses little and repeats no row.

New files are stored under new names, then a state file that names them, and then a fenced
transition lets the record name that state. Whatever dies in between, the record names a whole state
and the next attempt continues behind its last row.
"""

import hashlib
import io
import logging
import secrets
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from itertools import chain

from obstore.exceptions import BaseError as ObjectStoreError

from jobs.artifacts import ArtifactStore
from jobs.batch import (
    MANIFEST,
    MANIFEST_TYPE,
    MOST_ROWS,
    POISONED,
    SHARD_TYPE,
    BatchPart,
    BatchRow,
    BatchState,
    Trial,
    batch_folder,
    member_name,
    shard_name,
)
from jobs.batch_reader import read_state
from jobs.lease import Lease
from jobs.model import Artifact, BatchFile

log = logging.getLogger(__name__)

# What is held in memory before it must be kept.
_MOST_PENDING_BYTES, MOST_PENDING_ROWS = 16 << 20, 64
# Two blocks of zeros end a tar.
_END = bytes(2 * tarfile.BLOCKSIZE)


class BatchWriter:
    """The rows of one attempt at a batch, behind those that earlier attempts have kept."""

    def __init__(self, lease: Lease, files: ArtifactStore, shard_bytes: int) -> None:
        self._lease = lease
        self._files = files
        self._shard_bytes = shard_bytes
        self._folder = batch_folder(lease.job.id)
        self._state_key = lease.job.batch.key if lease.job.batch else ""
        self.state = read_state(files, lease.job)
        self.before = self.state.attempt
        self._tar = io.BytesIO()
        self._rows: list[BatchRow] = []

    @property
    def position(self) -> int:
        """The number of the next row."""
        return self.state.position + len(self._rows)

    @property
    def is_full(self) -> bool:
        """Whether so much is held in memory that it must be kept now."""
        pending = self._tar.tell()
        return pending >= _MOST_PENDING_BYTES or len(self._rows) >= MOST_PENDING_ROWS

    def add(self, row: BatchRow, files: Mapping[str, bytes]) -> None:
        """Add the next row, and first close the shard if the files do not fit in it."""
        members = {name: _member(member_name(row.image, name), files[name]) for name in files}
        length = sum(map(len, members.values()))
        start = self._open_bytes + self._tar.tell()
        rows = sum(part.rows for part in self.state.open_parts) + len(self._rows)
        if (start and start + length + len(_END) > self._shard_bytes) or rows >= MOST_ROWS:
            self.close_shard()
            start = 0
        found: dict[str, tuple[int, int]] = {}
        for name, member in members.items():
            found[name] = start + tarfile.BLOCKSIZE, len(files[name])
            start += len(member)
            self._tar.write(member)
        shard = shard_name(len(self.state.shards)) if files else None
        self._rows.append(row.model_copy(update={"shard": shard, "files": found}))

    def keep(self, trial: Trial | None = None) -> None:
        """Keep the rows that were added, and note which row is tried alone.

        Raises LeaseLost, RedisError or an error of the object store.
        """
        if not self._rows and trial == self.state.trial:
            return
        parts = [*self.state.parts, *self._new_part()]
        failed = [row for row in self._rows if row.status == "failed"]
        errors = [self.state.first_error, *(row.error for row in failed)]
        self._replace(
            BatchState(
                attempt=self._lease.job.attempts,
                position=self.position,
                succeeded=self.state.succeeded + len(self._rows) - len(failed),
                failed=self.state.failed + len(failed),
                parts=parts,
                first_error=next((error for error in errors if error), None),
                trial=trial,
                poisoned=self._poisoned(),
            )
        )
        self._tar, self._rows = io.BytesIO(), []

    def close_shard(self) -> None:
        """Let one file take the place of the parts of the open shard. Raises as `keep` does."""
        self.keep()
        parts = self.state.open_parts
        if not parts:
            return
        tar = chain(self._read((part.key, part.bytes) for part in parts), [_END])
        key, length, sha256 = self._store(tar)
        rows = self._read((part.rows_key, part.rows_bytes) for part in parts)
        rows_key, rows_bytes, _ = self._store(rows)
        shard = BatchPart(
            first=parts[0].first,
            rows=sum(part.rows for part in parts),
            shard=shard_name(len(self.state.shards)),
            start=0,
            bytes=length,
            key=key,
            rows_bytes=rows_bytes,
            rows_key=rows_key,
            sha256=sha256,
        )
        whole = [*self.state.shards, shard]
        attempt = self._lease.job.attempts
        self._replace(self.state.model_copy(update={"parts": whole, "attempt": attempt}))
        self._discard(*(key for part in parts for key in (part.key, part.rows_key)))

    def finish(self) -> list[Artifact]:
        """Close the last shard and return the artifacts: the manifest and the shards."""
        self.close_shard()
        shards = self.state.shards
        lines = self._read((part.rows_key, part.rows_bytes) for part in shards)
        key, length, sha256 = self._store(lines)
        kept = {key, self._state_key} | {
            key for part in shards for key in (part.key, part.rows_key)
        }
        # A later attempt may have begun, if this one has lost its lease: its files stay.
        earlier = {key for key in self._files.keys(self._folder) if self._is_no_later(key)}
        self._discard(*(earlier - kept))
        manifest = Artifact(
            name=MANIFEST, media_type=MANIFEST_TYPE, bytes=length, sha256=sha256, key=key
        )
        return [manifest, *map(shard_artifact, shards)]

    @property
    def _open_bytes(self) -> int:
        return sum(part.bytes for part in self.state.open_parts)

    def _poisoned(self) -> int:
        """Return how many of the last rows crashed their workers."""
        poisoned = self.state.poisoned
        for row in self._rows:
            poisoned = poisoned + 1 if row.error and row.error.code == POISONED else 0
        return poisoned

    def _is_no_later(self, key: str) -> bool:
        """Return whether this attempt or one before it has stored the file."""
        attempt, _, _ = key.rpartition("/")[2].partition("-")
        return int(attempt) <= self._lease.job.attempts

    def _new_part(self) -> list[BatchPart]:
        """Store what was added; return it as a list of one part, or an empty list."""
        if not self._rows:
            return []
        lines = b"".join(row.model_dump_json().encode() + b"\n" for row in self._rows)
        key, length, _ = self._store([self._tar.getvalue()])
        rows_key, rows_bytes, _ = self._store([lines])
        return [
            BatchPart(
                first=self.state.position,
                rows=len(self._rows),
                shard=shard_name(len(self.state.shards)),
                start=self._open_bytes,
                bytes=length,
                key=key,
                rows_bytes=rows_bytes,
                rows_key=rows_key,
            )
        ]

    def _replace(self, state: BatchState) -> None:
        """Let the record name a newer state."""
        key, _, _ = self._store([state.model_dump_json().encode()])
        counts = {"succeeded": state.succeeded, "failed": state.failed}
        self._lease.swap("batch", BatchFile(key=key, step=state.position, **counts))
        previous, self._state_key, self.state = self._state_key, key, state
        self._discard(*([previous] if previous else []))

    def _store(self, chunks: Iterable[bytes]) -> tuple[str, int, str]:
        """Store a file under a new name. Return its key, its length and its digest."""
        key = f"{self._folder}/{self._lease.job.attempts}-{secrets.token_hex(8)}"
        digest, length = hashlib.sha256(), 0

        def measured() -> Iterator[bytes]:
            nonlocal length
            for chunk in chunks:
                # A long file is a sign of progress, too.
                self._lease.note_progress()
                digest.update(chunk)
                length += len(chunk)
                yield chunk

        self._files.put_chunks(key, measured())
        return key, length, f"sha256:{digest.hexdigest()}"

    def _read(self, parts: Iterable[tuple[str, int]]) -> Iterator[bytes]:
        return chain.from_iterable(self._files.chunks(key, 0, length) for key, length in parts)

    def _discard(self, *keys: str) -> None:
        try:
            for key in keys:
                self._files.delete(key)
        except ObjectStoreError as error:
            job_id, kind = self._lease.job.id, type(error).__name__
            log.warning("job %s: a part remains until it expires: %s", job_id, kind)


def shard_artifact(part: BatchPart) -> Artifact:
    """Return a whole shard as an artifact."""
    return Artifact(
        name=part.shard,
        media_type=SHARD_TYPE,
        bytes=part.bytes,
        sha256=part.sha256,
        key=part.key,
    )


def _member(name: str, data: bytes) -> bytes:
    """Return a file as a member of a tar, the same bytes for the same file."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    head = info.tobuf(tarfile.USTAR_FORMAT)
    return head + data + bytes(-len(data) % tarfile.BLOCKSIZE)
