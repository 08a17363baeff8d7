"""The body of a webhook: which job, what happened to it, and where the rest is to be read.

It holds neither parameters nor results, so that a message that a stranger reads tells little.
"""

import json
from typing import Any

from jobs.model import Job, Status, moment


def message(job: Job, event: str) -> bytes:
    """Return the message about an event of a job as JSON, the same bytes at each attempt."""
    started = event == "job.started"
    happened = job.started_ms if started else job.finished_ms
    content = {
        "type": event,
        "timestamp": _moment(happened),
        "data": _at_the_start(job) if started else _at_the_end(job),
    }
    return json.dumps(content, separators=(",", ":")).encode()


def _at_the_start(job: Job) -> dict[str, Any]:
    """Return the job as it was when it began, although it may have ended by now."""
    at_first = {"status": Status.RUNNING, "finished_ms": None, "error": None, "result": None}
    return _at_the_end(job.model_copy(update=at_first))


def _at_the_end(job: Job) -> dict[str, Any]:
    url = f"/v1/jobs/{job.id}"
    return {
        "id": job.id,
        "technique": job.technique,
        "model": job.model,
        "status": job.status.value,
        "created_at": _moment(job.created_ms),
        "started_at": _moment(job.started_ms),
        "finished_at": _moment(job.finished_ms),
        "error": job.error.model_dump() if job.error else None,
        "artifacts": [
            {
                "name": artifact.name,
                "media_type": artifact.media_type,
                "bytes": artifact.bytes,
                "url": f"{url}/artifacts/{artifact.name}",
            }
            for artifact in (job.result.artifacts if job.result else [])
        ],
        "labels": job.labels,
        "urls": {"self": url, "cancel": f"{url}/cancel", "events": f"{url}/events"},
    }


def _moment(milliseconds: int | None) -> str | None:
    at = moment(milliseconds)
    return at.isoformat().replace("+00:00", "Z") if at else None
