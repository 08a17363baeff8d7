"""Simulate fair share among 1,000 owners: `python -m benchmarks.fair_simulation [--jobs 20000]`.

The scripts that create, pick, claim and finish a job run on a real Redis, and only time is virtual.
Owners post bursts. Which owner posts and how many jobs a burst has follow Pareto distributions, so
that a few owners post most of the work. The scripts know an estimate of each job's cost: its real
duration is the estimate times a lognormal factor. Workers come and go; one that leaves ends its job
first. Printed is how long the jobs of three groups of owners wait, beside one queue for all owners.
"""

import argparse
import heapq
import math
import random
import tempfile
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from benchmarks.job_store import running_store
from jobs.job_request import JobRequest
from jobs.lease import Lease, claim
from jobs.store import JobStore

_OWNERS = 1000
_WORKERS = 20
_LOAD = 0.85
# Mean seconds for which a worker is there and away.
_THERE_S, _AWAY_S = 1800.0, 300.0
_LONGEST_BURST = 1000
_NOBODY = "0" * 32
_GROUPS = (("lower 90 % of owners", 0.0, 0.9), ("next 9 %", 0.9, 0.99), ("upper 1 %", 0.99, 1.0))


@dataclass(frozen=True)
class Posted:
    """One job: when it is posted, by whom, its estimated cost and its real duration in seconds."""

    at_s: float
    owner: str
    cost: float
    duration_s: float


class FairShare:
    """The queue of the product: the scripts on a real Redis."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._jobs: dict[str, Posted] = {}
        self._leases: dict[Posted, Lease] = {}

    def put(self, job: Posted) -> None:
        request = JobRequest(
            owner=job.owner, technique="saliency", model="m", queue="slow", params={}, cost=job.cost
        )
        self._jobs[self._store.create(request).id] = job

    def take(self) -> Posted | None:
        job_id = self._store.pick(_NOBODY, "slow")
        if job_id is None:
            return None
        lease = claim(self._store, job_id)
        assert lease is not None
        job = self._jobs.pop(job_id)
        self._leases[job] = lease
        return job

    def end(self, job: Posted) -> None:
        lease = self._leases.pop(job)
        lease.succeed({}, [], {})
        self._store.forget(lease.job.id)


class OneQueue:
    """One queue for all owners, oldest job first."""

    def __init__(self) -> None:
        self._jobs: deque[Posted] = deque()

    def put(self, job: Posted) -> None:
        self._jobs.append(job)

    def take(self) -> Posted | None:
        return self._jobs.popleft() if self._jobs else None

    def end(self, job: Posted) -> None:
        pass


class Simulation:
    """Virtual time: workers take jobs from a queue until every posted job has ended."""

    def __init__(self, queue: FairShare | OneQueue, jobs: list[Posted], seed: int) -> None:
        self.waited_s: dict[Posted, float] = {}
        self._queue = queue
        self._dice = random.Random(seed)
        self._numbers = count()
        self._events: list[tuple[float, int, Callable[[float], None]]] = []
        self._free = 0
        self._leaving = 0
        self._left = len(jobs)
        for job in jobs:
            self._at(job.at_s, lambda now, job=job: self._post(now, job))
        for _ in range(_WORKERS):
            self._at(0.0, self._come)

    def run(self) -> dict[Posted, float]:
        """Return for each job how long it waited."""
        while self._left:
            now, _, act = heapq.heappop(self._events)
            act(now)
        return self.waited_s

    def _at(self, when: float, act: Callable[[float], None]) -> None:
        heapq.heappush(self._events, (when, next(self._numbers), act))

    def _post(self, now: float, job: Posted) -> None:
        self._queue.put(job)
        self._assign(now)

    def _come(self, now: float) -> None:
        self._free += 1
        self._at(now + self._dice.expovariate(1 / _THERE_S), self._leave)
        self._assign(now)

    def _leave(self, now: float) -> None:
        if self._free:
            self._free -= 1
        else:
            self._leaving += 1
        self._at(now + self._dice.expovariate(1 / _AWAY_S), self._come)

    def _assign(self, now: float) -> None:
        while self._free and (job := self._queue.take()):
            self._free -= 1
            self.waited_s[job] = now - job.at_s
            self._at(now + job.duration_s, lambda then, job=job: self._end(then, job))

    def _end(self, now: float, job: Posted) -> None:
        self._queue.end(job)
        self._left -= 1
        if self._leaving:
            self._leaving -= 1
        else:
            self._free += 1
        self._assign(now)


def drawn(jobs: int, seed: int) -> list[Posted]:
    """Draw the jobs of all owners, in the order of time."""
    dice = random.Random(seed)
    activity = [dice.paretovariate(1.1) for _ in range(_OWNERS)]
    bursts: list[tuple[str, list[float]]] = []
    total = 0
    while total < jobs:
        owner = dice.choices(range(_OWNERS), activity)[0]
        size = min(math.ceil(dice.paretovariate(1.1)), _LONGEST_BURST)
        bursts.append((f"owner{owner}", [dice.lognormvariate(math.log(5), 1) for _ in range(size)]))
        total += size
    work_s = sum(cost for _, costs in bursts for cost in costs)
    there = _THERE_S / (_THERE_S + _AWAY_S)
    horizon_s = work_s / (_WORKERS * there * _LOAD)
    # A lognormal factor of mean 1.
    factor = lambda: dice.lognormvariate(-0.125, 0.5)  # noqa: E731
    posted = []
    for owner, costs in bursts:
        at_s = dice.uniform(0, horizon_s)
        posted += [Posted(at_s, owner, cost, cost * factor()) for cost in costs]
    return sorted(posted, key=lambda job: job.at_s)


def groups(jobs: Iterable[Posted]) -> dict[str, str]:
    """Return the group of each owner, by the work that the owner posts."""
    work: Counter[str] = Counter()
    for job in jobs:
        work[job.owner] += job.cost
    owners = [owner for owner, _ in reversed(work.most_common())]
    return {
        owner: name
        for name, low, high in _GROUPS
        for owner in owners[round(low * len(owners)) : round(high * len(owners))]
    }


def quantile(values: list[float], share: float) -> float:
    """Return the value below which that share of the values lies."""
    return sorted(values)[min(int(share * len(values)), len(values) - 1)]


def report(jobs: list[Posted], fair: dict[Posted, float], one: dict[Posted, float]) -> None:
    """Print the waits of each group under both queues."""
    group_of = groups(jobs)
    total = sum(job.cost for job in jobs)
    print("| owners | jobs | share of the work | fair share: p50, p99 s | one queue: p50, p99 s |")
    print("| --- | --- | --- | --- | --- |")
    for name, _, _ in _GROUPS:
        own = [job for job in jobs if group_of[job.owner] == name]
        share = sum(job.cost for job in own) / total
        figures = [
            f"{quantile([waited[job] for job in own], q):.1f}"
            for waited in (fair, one)
            for q in (0.5, 0.99)
        ]
        print(
            f"| {name} | {len(own)} | {share:.0%} | {figures[0]}, {figures[1]} "
            f"| {figures[2]}, {figures[3]} |"
        )


def main() -> None:
    """Run the same jobs through both queues."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    jobs = drawn(chosen.jobs, chosen.seed)
    with tempfile.TemporaryDirectory() as folder, running_store(Path(folder)) as store:
        fair = Simulation(FairShare(store), jobs, chosen.seed).run()
    report(jobs, fair, Simulation(OneQueue(), jobs, chosen.seed).run())


if __name__ == "__main__":
    main()
