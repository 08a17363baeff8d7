"""Options for accepting a job: deadline, idempotency, deduplication, limits, webhook, labels."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from jobs.idempotency import LIFE_MS, Reservation
from jobs.owner_limits import DEFAULT_LIMITS, OwnerLimits
from jobs.webhook import Webhook


@dataclass(frozen=True)
class WorkKey:
    """A key that identical jobs share: one of them computes the result, and the others take it.

    `name` is the key in Redis.
    `basis` is what the provenance of a result must contain for the result to count.
    `model` is the key that holds the digest of the model's weights. The digest must be `basis`'s.
    `share` allows the job to take a result or to follow another job. Without it, the job only
    leaves its own result to others.
    `unusable` is the id of a job whose result turned out to be unusable.
    """

    name: str
    basis: dict[str, str] = field(default_factory=dict)
    model: str = ""
    share: bool = True
    unusable: str = ""


@dataclass(frozen=True)
class CreateOptions:
    """Options of one job. By default it has no deadline and shares nothing."""

    deadline_s: float | None = None
    idempotency: Reservation | None = None
    work: WorkKey | None = None
    limits: OwnerLimits = DEFAULT_LIMITS
    webhook: Webhook | None = None
    labels: Mapping[str, str] = field(default_factory=dict)

    def to_record(self) -> dict[str, Any]:
        """Return the fields of the record: work, owner's weight, webhook and labels."""
        work = {"work": self.work.name, "basis": self.work.basis} if self.work else {}
        webhook = self.webhook.to_record() if self.webhook else {}
        labels = {"labels": dict(self.labels)} if self.labels else {}
        return work | self.limits.to_record() | webhook | labels

    def script_arguments(self) -> dict[str, Any]:
        """Return the options as `create.lua` reads them. What is not set is absent."""
        arguments: dict[str, Any] = {}
        if self.deadline_s is not None:
            arguments["deadline_ms"] = round(self.deadline_s * 1000)
        if self.idempotency is not None:
            arguments["idempotency"] = asdict(self.idempotency) | {"life_ms": LIFE_MS}
        if self.work is not None:
            arguments["work"] = asdict(self.work)
        return arguments


DEFAULT_OPTIONS = CreateOptions()
