"""Deletes what no record knows: slowly, rarely, by one worker at a time, and only what is long past being written."""

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

_LOOK_EVERY_S = 60.0


class OrphanSweep:
    """One listing of the object store per `orphan_sweep_s`, however many workers there are."""

    def __init__(self, store: JobStore, files: ArtifactStore) -> None:
        self._store = store
        self._files = files
        self._every_s = store.settings.orphan_sweep_s
        self._grace_s = store.settings.orphan_grace_s
        self._uploads: dict[str, ImageStore | ArrayStore] = {
            "images": ImageStore(store.redis, files, store.settings),
            "arrays": ArrayStore(store.redis, files, store.settings),
        }

    def start(self) -> None:
        threading.Thread(target=self._run, name="orphans", daemon=True).start()

    def sweep(self) -> int:
        """If it is time and no other worker does it: delete orphans. Returns how many files were found.

        The note that somebody sweeps lasts until the next sweep is due: it is the lock, and a dead sweeper's, too.
        """
        if not self._store.redis.set(
            redis_keys.SWEPT, "1", nx=True, px=round(self._every_s * 1000)
        ):
            return 0
        if not self._known_for_long():
            return 0
        found = 0
        for key in orphans(self._store, self._files, self._grace_s):
            log.warning("orphan: %s", key)
            self._delete(key)
            found += 1
        return found + self._files.forget_unfinished(self._grace_s)

    def _known_for_long(self) -> bool:
        """A Redis that is new here, wrong or emptied, knows of no file: for as long as the grace, none of them goes."""
        redis = self._store.redis
        seconds, _ = redis.time()
        redis.set(redis_keys.FIRST_SWEPT, seconds, nx=True)
        first = int(redis.get(redis_keys.FIRST_SWEPT) or seconds)
        redis.pexpire(
            redis_keys.FIRST_SWEPT, round((2 * self._every_s + self._grace_s + 86400) * 1000)
        )
        return seconds - first >= self._grace_s

    def _delete(self, key: str) -> None:
        """A job or set of that id never comes again; an upload may, this moment, and its store knows how to wait."""
        folder, _, name = key.partition("/")
        if folder in self._uploads:
            self._uploads[folder].forget_expired(name.replace("/", ":"))
        else:
            self._files.delete(key)

    def _run(self) -> None:
        while True:
            try:
                self.sweep()
            except (RedisError, ObjectStoreError, OSError) as error:
                log.warning("orphans wait: %s", type(error).__name__)
            time.sleep(min(self._every_s, _LOOK_EVERY_S))
