"""Files of jobs and uploaded images in an object store: a local folder, S3, GCS or Azure, by URL."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import obstore
from obstore.store import LocalStore, from_url

from jobs.errors import NotFound


class ArtifactStore:
    """Bytes by key. A key is made by the server, never by a client."""

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        self._folder = Path(unquote(parts.path)) if parts.scheme == "file" else None
        self._store = (
            LocalStore(self._folder, mkdir=True, automatic_cleanup=True)
            if self._folder
            else from_url(url)
        )

    def put(self, key: str, data: bytes) -> None:
        obstore.put(self._store, key, data)

    def get(self, key: str) -> bytes:
        """All bytes of a file. Raises NotFound."""
        try:
            return bytes(obstore.get(self._store, key).bytes())
        except FileNotFoundError:
            raise NotFound(key) from None

    def copy(self, source: str, to: str) -> None:
        """A file under another key too; the store does it where it can. Raises NotFound."""
        try:
            obstore.copy(self._store, source, to)
        except FileNotFoundError:
            raise NotFound(source) from None

    def has(self, key: str) -> bool:
        """Is there a file of that key?"""
        try:
            obstore.head(self._store, key)
        except FileNotFoundError:
            return False
        return True

    def chunks(self, key: str, start: int, end: int, size: int = 1 << 20) -> Iterator[bytes]:
        """The bytes from `start` up to but without `end`, in pieces. Raises NotFound."""
        for first in range(start, end, size):
            try:
                yield bytes(
                    obstore.get_range(self._store, key, start=first, end=min(first + size, end))
                )
            except FileNotFoundError:
                raise NotFound(key) from None

    def delete(self, key: str) -> None:
        try:
            obstore.delete(self._store, key)
        except FileNotFoundError:
            return

    def delete_folder(self, prefix: str) -> None:
        for page in obstore.list(self._store, prefix=prefix):
            obstore.delete(self._store, [entry["path"] for entry in page])

    def keys(self, prefix: str) -> list[str]:
        return [
            entry["path"] for page in obstore.list(self._store, prefix=prefix) for entry in page
        ]

    def listed(self, prefix: str, older_than_s: float = 0) -> Iterator[list[str]]:
        """The keys of files last written so long ago at least, by pages."""
        before = datetime.now(UTC) - timedelta(seconds=older_than_s)
        for page in obstore.list(self._store, prefix=prefix):
            yield [
                entry["path"]
                for entry in page
                if not older_than_s or entry["last_modified"] <= before
            ]

    def forget_unfinished(self, older_than_s: float) -> int:
        """Delete what a crash in the middle of `put` left in a local folder; object stores show nothing of the kind."""
        left = (
            [path for path in self._folder.rglob("*#*") if _unfinished(path)]
            if self._folder
            else []
        )
        old = [path for path in left if path.stat().st_mtime <= time.time() - older_than_s]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)

    def check(self) -> None:
        """Raises if the store cannot be reached."""
        next(iter(obstore.list(self._store, prefix="ready")), None)


def _unfinished(path: Path) -> bool:
    """The local store writes `name#1` beside `name`, then renames it."""
    return path.name.rpartition("#")[2].isdigit() and path.is_file()
