"""Remember how each job looked when a client first saw it ended, to compare with its last state."""

import threading
import time

import httpx

from benchmarks.chaos.clients import Told
from benchmarks.chaos.evidence import Seen
from benchmarks.chaos.owners import headers

_EVERY_S = 0.3


class Watcher:
    """Polls every accepted job until it has ended."""

    def __init__(self, address: str, told: Told, keys: dict[str, str]) -> None:
        self._keys = keys
        self.first: dict[str, Seen] = {}
        self.changed = time.monotonic()
        self._told = told
        self._address = address
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._ended.set()
        self._thread.join()

    @property
    def waiting(self) -> int:
        """The number of accepted jobs that have not yet been seen ended."""
        return len(self._told.accepted) - len(self.first)

    def _run(self) -> None:
        with httpx.Client(base_url=self._address, timeout=10) as client:
            while not self._ended.wait(_EVERY_S):
                for job_id in [
                    job_id for job_id in list(self._told.accepted) if job_id not in self.first
                ]:
                    self._look(client, job_id)

    def _look(self, client: httpx.Client, job_id: str) -> None:
        own = headers(self._keys, self._told.accepted[job_id].owner)
        try:
            answer = client.get(f"/v1/jobs/{job_id}", headers=own)
        except httpx.TransportError:
            return
        if answer.status_code == 200 and (seen := Seen.of(answer.json())).final:
            self.first[job_id] = seen
            self.changed = time.monotonic()
