"""What a job's owner wants to be told of, and where: the job's webhook."""

from dataclasses import dataclass
from typing import Any

# A job begins once, and ends in one of three ways.
FINAL_EVENTS = ("job.succeeded", "job.failed", "job.canceled")
EVENTS = ("job.started", *FINAL_EVENTS)


@dataclass(frozen=True)
class Webhook:
    """The address that is told of the events of one job.

    `url` begins with the scheme and the host, without credentials and fragment.
    """

    url: str
    events: tuple[str, ...] = FINAL_EVENTS

    def to_record(self) -> dict[str, Any]:
        """Return the fields of the job's record."""
        return {"webhook": self.url, "webhook_events": ",".join(self.events)}
