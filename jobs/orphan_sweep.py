"""Deletes orphans: files in the object store that no record knows.

The sweep is slow and rare, one worker runs it at a time, and it deletes only files that were not
written recently.
"""

import logging
import threading
import time

from obstore.exceptions import BaseError as ObjectStoreError
from redis import RedisError

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.audit import orphans
from jobs.store import JobStore
from jobs.uploads import ArrayStore, ImageStore

log = logging.getLogger(__name__)

_TRY_EVERY_S = 60.0


class OrphanSweep:
    """A thread that lists the object store every `orphan_sweep_s`, shared by all workers."""

    def __init__(self, store: JobStore, files: ArtifactStore) -> None:
        self._store = store
        self._files = files
        self._interval_s = store.settings.orphan_sweep_s
        self._grace_s = store.settings.orphan_grace_s
        self._uploads: dict[str, ImageStore | ArrayStore] = {
            "images": ImageStore(store.redis, files, store.settings),
            "arrays": ArrayStore(store.redis, files, store.settings),
        }

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="orphans", daemon=True).start()

    def sweep(self) -> int:
        """Delete orphans if a sweep is due, and return how many files were found.

        The key that marks a sweep lasts until the next sweep is due. It is also the lock, and it
        frees itself if the sweeping worker dies.
        """
        interval_ms = round(self._interval_s * 1000)
        if not self._store.redis.set(redis_keys.SWEPT, "1", nx=True, px=interval_ms):
            return 0
        if not self._has_known_redis_for_long():
            return 0
        found = 0
        for key in orphans(self._store, self._files, self._grace_s):
            log.warning("deleting the orphan %s", key)
            self._delete(key)
            found += 1
        return found + self._files.delete_unfinished(self._grace_s)

    def _has_known_redis_for_long(self) -> bool:
        """Return whether this Redis was first seen at least the grace ago.

        A Redis that is new here, the wrong one or an emptied one, knows of no file.
        """
        redis = self._store.redis
        seconds, _ = redis.time()
        redis.set(redis_keys.FIRST_SWEPT, seconds, nx=True)
        first = int(redis.get(redis_keys.FIRST_SWEPT) or seconds)
        life_ms = round((2 * self._interval_s + self._grace_s) * 1000)
        redis.pexpire(redis_keys.FIRST_SWEPT, life_ms + redis_keys.COLLECTION_GRACE_MS)
        return seconds - first >= self._grace_s

    def _delete(self, key: str) -> None:
        """Delete a file. An upload may return at this moment, and its store knows how to wait."""
        folder, _, name = key.partition("/")
        if folder in self._uploads:
            self._uploads[folder].delete_expired(name.replace("/", ":"))
        else:
            self._files.delete(key)

    def _run(self) -> None:
        while True:
            try:
                self.sweep()
            except (RedisError, ObjectStoreError, OSError) as error:
                log.warning("could not sweep orphans: %s", type(error).__name__)
            time.sleep(min(self._interval_s, _TRY_EVERY_S))
