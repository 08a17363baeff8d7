"""Moves the records of jobs that ended long ago to the object store, on a thread of its own.

It runs beside every worker, and one at a time works. An object store that is slow or away does not
hold up the reconciler.
"""

import logging
import threading
import time

from obstore.exceptions import BaseError as ObjectStoreError
from redis import RedisError

from jobs import redis_keys
from jobs.outage import Outage
from jobs.store import JobStore

log = logging.getLogger(__name__)

_INTERVAL_S = 1.0
# If the process whose turn it is dies, another one continues after this time.
_TURN_MS = 30_000


class Archiver:
    """A thread that archives what is due."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._outage = Outage("the archiver", log)
        self._store_is_away = False

    def start(self) -> None:
        """Start the thread."""
        threading.Thread(target=self._run, name="archiver", daemon=True).start()

    def move_due(self) -> None:
        """Move the records whose time has come, unless it is another process's turn.

        The pass ends at the first error of the object store, which later records would meet, too.
        Raises RedisError.
        """
        redis = self._store.redis
        if not redis.set(redis_keys.ARCHIVING_TURN, 1, nx=True, px=_TURN_MS):
            return
        try:
            for job_id in self._store.due(redis_keys.ARCHIVING):
                self._store.archive.move(job_id)
            self._note(away=False)
        except ObjectStoreError as error:
            self._note(away=True, cause=type(error).__name__)
        finally:
            redis.delete(redis_keys.ARCHIVING_TURN)

    def _note(self, *, away: bool, cause: str = "") -> None:
        """Log the first error of an outage of the object store, and its end."""
        if away and not self._store_is_away:
            log.warning("the archiver waits for the object store: %s", cause)
        if self._store_is_away and not away:
            log.warning("the archiver has the object store again")
        self._store_is_away = away

    def _run(self) -> None:
        while True:
            time.sleep(_INTERVAL_S)
            try:
                self.move_due()
                self._outage.succeeded()
            except RedisError as error:
                self._outage.failed(error)
            except Exception:
                log.exception("could not archive")
