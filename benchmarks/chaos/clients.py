"""Clients that post jobs, retry when refused, cancel some, and remember what they were told."""

import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from benchmarks.chaos.mix import Wish
from benchmarks.chaos.owners import headers

_AGAIN_S = 1.0
_TIMEOUT_S = 30.0
# The first post of every tenth job gives up at once. Its answer is lost, as on a bad network.
_HASTY_EVERY = 10
_HASTE = httpx.Timeout(_TIMEOUT_S, read=0.01)


@dataclass
class Told:
    """What the clients know from answers alone."""

    accepted: dict[str, Wish] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    # Posts whose connection broke before an answer.
    unknown: int = 0
    # Ids of jobs whose cancel was accepted.
    stops: set[str] = field(default_factory=set)
    # Unexpected answers.
    odd: list[str] = field(default_factory=list)


class Clients:
    """Threads that post a list of jobs, each until it is accepted."""

    def __init__(
        self,
        address: str,
        wishes: list[Wish],
        told: Told,
        keys: dict[str, str],
        threads: int = 4,
    ) -> None:
        self.told = told
        self._keys = keys
        self._address = address
        self._left: queue.SimpleQueue[Wish] = queue.SimpleQueue()
        for wish in wishes:
            self._left.put(wish)
        self._threads = [threading.Thread(target=self._work, daemon=True) for _ in range(threads)]
        self._cancels: list[threading.Thread] = []

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    @property
    def finished(self) -> bool:
        return not any(thread.is_alive() for thread in [*self._threads, *self._cancels])

    def _work(self) -> None:
        with httpx.Client(base_url=self._address, timeout=_TIMEOUT_S) as client:
            while True:
                try:
                    wish = self._left.get_nowait()
                except queue.Empty:
                    return
                job_id = self._post(client, wish)
                self.told.accepted[job_id] = wish
                if wish.cancel_after_s is not None:
                    thread = threading.Thread(
                        target=self._cancel, args=(job_id, wish, wish.cancel_after_s), daemon=True
                    )
                    self._cancels.append(thread)
                    thread.start()

    def _post(self, client: httpx.Client, wish: Wish) -> str:
        """Post a job until it is accepted, and return its id.

        A post whose answer was lost is sent again with the same idempotency key.
        """
        hasty = wish.number % _HASTY_EVERY == 0
        while True:
            try:
                answer = self._send(client, wish, _HASTE if hasty else client.timeout)
                if answer.status_code in (200, 202):
                    return str(answer.json()["id"])
                self._note(answer)
            except httpx.ConnectError:
                # Nothing was sent.
                pass
            except httpx.TransportError:
                self.told.unknown += 1
                hasty = False
            time.sleep(_AGAIN_S)

    def _send(self, client: httpx.Client, wish: Wish, timeout: httpx.Timeout) -> httpx.Response:
        return client.post(
            f"/v1/jobs/{wish.technique}",
            data=dict(wish.fields),
            files=wish.files() or None,
            headers={"Idempotency-Key": f"wish-{wish.number}"} | headers(self._keys, wish.owner),
            timeout=timeout,
        )

    def _note(self, answer: httpx.Response) -> None:
        code = (
            answer.json()["code"]
            if answer.headers.get("content-type", "").startswith("application/problem")
            else ""
        )
        self.told.refused[code or str(answer.status_code)] += 1
        if answer.status_code not in (409, 429, 503) or "Retry-After" not in answer.headers:
            self.told.odd.append(f"{answer.status_code}: {answer.text[:200]}")

    def _cancel(self, job_id: str, wish: Wish, after_s: float) -> None:
        time.sleep(after_s)
        own = headers(self._keys, wish.owner)
        with httpx.Client(base_url=self._address, timeout=_TIMEOUT_S, headers=own) as client:
            while True:
                try:
                    answer = client.post(f"/v1/jobs/{job_id}/cancel")
                    if answer.status_code == 202:
                        self.told.stops.add(job_id)
                    elif answer.status_code != 200 and answer.status_code < 500:
                        self.told.odd.append(f"cancel {job_id}: {answer.status_code}")
                    if answer.status_code < 500:
                        return
                except httpx.TransportError:
                    pass
                time.sleep(_AGAIN_S)
