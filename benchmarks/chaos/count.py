"""Count what was lost, what ended twice, and what was left over. Pure functions of the evidence."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from benchmarks.chaos.evidence import Evidence
from jobs.model import FINAL


@dataclass
class Tally:
    """Job ids by their fate. `broken` has the lists that must be empty and are not."""

    accepted: int = 0
    # Created by a post without an answer, although it was sent again with its key.
    untold: list[str] = field(default_factory=list)
    succeeded: list[str] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    poisoned: list[str] = field(default_factory=list)
    # Attempts beyond the first.
    restarted: int = 0
    lost: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)
    twice: list[str] = field(default_factory=list)
    poisoned_wrongly: list[str] = field(default_factory=list)
    toxic_unpoisoned: list[str] = field(default_factory=list)
    canceled_unasked: list[str] = field(default_factory=list)
    canceled_in_vain: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)
    # How often each error code was that of a failed job.
    failures: Counter[str] = field(default_factory=Counter)
    without_artifacts: list[str] = field(default_factory=list)

    MUST_BE_EMPTY = (
        "lost",
        "left",
        "untold",
        "twice",
        "poisoned_wrongly",
        "toxic_unpoisoned",
        "canceled_unasked",
        "canceled_in_vain",
        "failed",
        "without_artifacts",
    )

    @property
    def broken(self) -> dict[str, list[str]]:
        return {name: ids for name in self.MUST_BE_EMPTY if (ids := getattr(self, name))}

    @property
    def finished_once(self) -> int:
        return len(self.succeeded) + len(self.canceled) + len(self.poisoned) - len(self.twice)


def count(evidence: Iterable[Evidence]) -> Tally:
    """Count each job in exactly one of lost, left, succeeded, canceled, poisoned and failed."""
    tally = Tally()
    for item in evidence:
        tally.accepted += item.kind is not None
        if item.kind is None:
            tally.untold.append(item.job_id)
        _sort(tally, item)
    return tally


def ended_twice(item: Evidence) -> bool:
    """Return whether a job ended twice.

    Its stream then has two final states, or its end (state, time or files) differs from the one
    that a client has seen.
    """
    ends = sum(status in FINAL for _, status, _ in item.moments)
    return ends > 1 or (
        item.first is not None and item.last is not None and item.first != item.last
    )


def _sort(tally: Tally, item: Evidence) -> None:
    last = item.last
    if last is None:
        tally.lost.append(item.job_id)
        return
    tally.restarted += max(0, last.attempts - 1)
    if ended_twice(item):
        tally.twice.append(item.job_id)
    if item.stop and last.final and last.status != "canceled":
        tally.canceled_in_vain.append(item.job_id)
    if not last.final:
        tally.left.append(item.job_id)
    elif last.status == "succeeded":
        tally.succeeded.append(item.job_id)
        if item.bad_files:
            tally.without_artifacts.append(item.job_id)
        if item.kind == "toxic":
            tally.toxic_unpoisoned.append(item.job_id)
    elif last.status == "canceled":
        tally.canceled.append(item.job_id)
        if item.kind not in ("canceled", None):
            tally.canceled_unasked.append(item.job_id)
    elif last.error == "poisoned":
        tally.poisoned.append(item.job_id)
        if item.kind not in ("toxic", None):
            tally.poisoned_wrongly.append(item.job_id)
    else:
        tally.failed.append(item.job_id)
        tally.failures[last.error] += 1
