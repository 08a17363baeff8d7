"""The object store for job files and uploads: a local folder, S3, GCS or Azure, by URL."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import BaseError as ObjectStoreError
from obstore.store import LocalStore, from_url

from jobs.errors import NotFound

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig

_CHUNK_BYTES = 1 << 20
# How S3, GCS and Azure say that the bucket does not exist.
_NO_BUCKET = ("NoSuchBucket", "bucket does not exist", "ContainerNotFound")
# How long a caller waits for a store that does not answer.
_CLIENT: "ClientConfig" = {"connect_timeout": "3s", "timeout": "60s"}
_RETRY: "RetryConfig" = {"max_retries": 10, "retry_timeout": timedelta(seconds=20)}
_PATIENT: "RetryConfig" = {"max_retries": 20, "retry_timeout": timedelta(seconds=180)}
# Whether the store answers is asked by probes, which wait for a few seconds only.
_CHECK_CLIENT: "ClientConfig" = {"connect_timeout": "1s", "timeout": "2s"}
_CHECK_RETRY: "RetryConfig" = {"max_retries": 1, "retry_timeout": timedelta(seconds=1)}


class ArtifactStore:
    """Files by key. The server makes every key; a client never does."""

    def __init__(self, url: str, *, patient: bool = False) -> None:
        """Open the store of a URL.

        With `patient`, calls wait for minutes for a store that is away, as a worker should: what
        it has computed would be lost.
        """
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store = (
            LocalStore(self._folder, mkdir=True, automatic_cleanup=True)
            if self._folder
            else from_url(
                url, client_options=_client(_CLIENT), retry_config=_PATIENT if patient else _RETRY
            )
        )
        self._checked_store = (
            self._store
            if self._folder
            else from_url(url, client_options=_client(_CHECK_CLIENT), retry_config=_CHECK_RETRY)
        )

    def put(self, key: str, data: bytes) -> None:
        """Store a file. Raises an ObjectStoreError also where the bucket does not exist."""
        try:
            obstore.put(self._store, key, data)
        except FileNotFoundError as error:
            raise ObjectStoreError(str(error)) from None

    def put_chunks(self, key: str, chunks: Iterator[bytes]) -> None:
        """Store a file of any length. If the chunks raise, what came before may have been stored.

        Chunks are read between the writes: a store cannot be read while another call waits for it.
        """
        try:
            with obstore.open_writer(self._store, key) as writer:
                for chunk in chunks:
                    writer.write(chunk)
        except FileNotFoundError as error:
            raise ObjectStoreError(str(error)) from None

    def get(self, key: str) -> bytes:
        """Return all bytes of a file. Raises NotFound."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError as error:
            raise _absent(key, error) from None

    def copy(self, source: str, to: str) -> None:
        """Copy a file to another key, inside the store where it can. Raises NotFound."""
        try:
            obstore.copy(self._store, source, to)
        except FileNotFoundError as error:
            raise _absent(source, error) from None

    def has(self, key: str) -> bool:
        """Return whether the file exists."""
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def chunks(self, key: str, start: int, end: int) -> Iterator[bytes]:
        """Yield the bytes from `start` up to and excluding `end`, in chunks. Raises NotFound."""
        for first in range(start, end, _CHUNK_BYTES):
            last = min(first + _CHUNK_BYTES, end)
            try:
                yield bytes(obstore.get_range(self._store, key, start=first, end=last))
            except FileNotFoundError as error:
                raise _absent(key, error) from None

    def delete(self, key: str) -> None:
        """Delete a file if it exists."""
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def delete_folder(self, prefix: str) -> None:
        """Delete every file below `prefix`."""
        for page in obstore.list(self._store, prefix=prefix):
            obstore.delete(self._store, [entry["path"] for entry in page])

    def keys(self, prefix: str) -> list[str]:
        """Return the keys of every file below `prefix`."""
        return [key for page in self.list_pages(prefix) for key in page]

    def list_pages(self, prefix: str, older_than_s: float = 0) -> Iterator[list[str]]:
        """Yield pages of keys of files below `prefix` that were last written that long ago."""
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        for page in obstore.list(self._store, prefix=prefix):
            yield [
                entry["path"]
                for entry in page
                if not older_than_s or entry["last_modified"] <= before
            ]

    def delete_unfinished(self, older_than_s: float) -> int:
        """Delete what a crash during `put` left in a local folder. Return the number of files.

        Object stores never show such files.
        """
        if self._folder is None:
            return 0
        before_s = time.time() - older_than_s
        unfinished = [path for path in self._folder.rglob("*#*") if _is_unfinished(path)]
        old = [path for path in unfinished if path.stat().st_mtime <= before_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def check(self) -> None:
        """Raise an error if the store cannot be reached."""
        next(iter(obstore.list(self._checked_store, prefix="ready")), None)


def _absent(key: str, error: FileNotFoundError) -> Exception:
    """Return NotFound, or the error of the store if it is the bucket that does not exist."""
    if any(code in str(error) for code in _NO_BUCKET):
        return ObjectStoreError(str(error))
    return NotFound(key)


def _client(times: "ClientConfig") -> "ClientConfig":
    """Return the options of an HTTP client with what the environment allows.

    Options that are given replace all those of the environment.
    """
    allowed = [os.environ.get(f"{store}_ALLOW_HTTP", "") for store in ("AWS", "AZURE", "GOOGLE")]
    return {**times, "allow_http": "true" in map(str.lower, allowed)}


def _is_unfinished(path: Path) -> bool:
    """Return whether the local store was writing this file: it writes `name#1`, then renames it."""
    return path.name.rpartition("#")[2].isdigit() and path.is_file()
