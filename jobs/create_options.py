"""On which terms a job is accepted: until when, once for which key, and with whom it may share the work."""

from dataclasses import asdict, dataclass, field
from typing import Any

from jobs.idempotency import LIFE_MS, Reservation


@dataclass(frozen=True)
class WorkKey:
    """What jobs with the same result have in common.

    `name` is its key in Redis; `basis` is what the provenance of a result must say, so that it is one of this work.
    `model` is the key with the digest of the model's weights, which must be the basis' one.
    With `share` the job takes a result or follows another job; without, it only leaves its own to others.
    """

    name: str
    basis: dict[str, str] = field(default_factory=dict)
    model: str = ""
    share: bool = True
    unusable: str = ""  # the id of a job whose result turned out to be none


@dataclass(frozen=True)
class CreateOptions:
    deadline_s: float | None = None
    idempotency: Reservation | None = None
    work: WorkKey | None = None

    def recorded(self) -> dict[str, Any]:
        """What the record keeps."""
        return {"work": self.work.name, "basis": self.work.basis} if self.work else {}

    def script_arguments(self) -> dict[str, Any]:
        """What `create.lua` must know."""
        arguments: dict[str, Any] = {}
        if self.deadline_s is not None:
            arguments["deadline_ms"] = round(self.deadline_s * 1000)
        if self.idempotency is not None:
            arguments["key"] = asdict(self.idempotency) | {"life_ms": LIFE_MS}
        if self.work is not None:
            arguments["work"] = asdict(self.work)
        return arguments


DEFAULT_OPTIONS = CreateOptions()
