"""The clients: they post what is wanted, try again when refused, cancel some, and remember what they were told."""

import queue
import threading
import time
from collections import Counter
from dataclasses import dataclass, field

import httpx

from benchmarks.chaos.mix import Wish

_AGAIN_S = 0.5
_TIMEOUT_S = 30.0


@dataclass
class Told:
    """What the clients were told, by answers alone."""

    accepted: dict[str, Wish] = field(default_factory=dict)
    refused: Counter[str] = field(default_factory=Counter)
    unknown: int = 0  # posts whose connection broke before an answer
    odd: list[str] = field(default_factory=list)  # answers that should not be


class Clients:
    """Threads that post a list of wishes, each until it is accepted."""

    def __init__(self, address: str, wishes: list[Wish], told: Told, threads: int = 4) -> None:
        self.told = told
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
                    thread = threading.Thread(target=self._cancel, args=(job_id, wish.cancel_after_s), daemon=True)
                    self._cancels.append(thread)
                    thread.start()

    def _post(self, client: httpx.Client, wish: Wish) -> str:
        """Until it is accepted. A post that broke is sent again: what became of it is counted at the end."""
        while True:
            try:
                answer = client.post(f"/v1/jobs/{wish.technique}", data=dict(wish.fields), files=wish.files() or None)
                if answer.status_code in (200, 202):
                    return str(answer.json()["id"])
                self._note(answer)
            except httpx.ConnectError:
                pass  # nothing was sent
            except httpx.TransportError:
                self.told.unknown += 1
            time.sleep(_AGAIN_S)

    def _note(self, answer: httpx.Response) -> None:
        code = answer.json()["code"] if answer.headers.get("content-type", "").startswith("application/problem") else ""
        self.told.refused[code or str(answer.status_code)] += 1
        if answer.status_code != 503 or "Retry-After" not in answer.headers:
            self.told.odd.append(f"{answer.status_code}: {answer.text[:200]}")

    def _cancel(self, job_id: str, after_s: float) -> None:
        time.sleep(after_s)
        with httpx.Client(base_url=self._address, timeout=_TIMEOUT_S) as client:
            while True:
                try:
                    answer = client.post(f"/v1/jobs/{job_id}/cancel")
                    if answer.status_code < 500:
                        if answer.status_code >= 300:
                            self.told.odd.append(f"cancel {job_id}: {answer.status_code}")
                        return
                except httpx.TransportError:
                    pass
                time.sleep(_AGAIN_S)
