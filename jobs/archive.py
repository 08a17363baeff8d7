"""Records of ended jobs in the object store, so that Redis holds little of each.

What lists filter by stays in Redis. An archived record has no field `status`: `archived` holds its
value. To versions that do not know archives it is a job without a record, whose files they keep.
"""

import json
from typing import Any, cast

from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.model import FINAL
from jobs.transitions import Answer, Transitions

_KEPT = (
    "id", "owner", "technique", "model", "created_ms", "finished_ms", "expires_ms",
    "attempts", "cancel_requested", "labels",
)  # fmt: skip


class Archive:
    """The archived records. Every method may raise RedisError or an error of the object store."""

    def __init__(self, redis: Redis, files: ArtifactStore, transitions: Transitions) -> None:
        self._redis = redis
        self._files = files
        self._transitions = transitions

    def move(self, job_id: str) -> None:
        """Move the record of an ended job to the object store; do nothing for any other job."""
        fields = cast("dict[str, str]", self._redis.hgetall(redis_keys.job(job_id)))
        if fields.get("status") in FINAL:
            self._files.put(_file(job_id), json.dumps(fields).encode())
        answer = self._transitions.run("archive", job_id, kept=list(_KEPT))
        if answer is Answer.GONE:
            self._files.delete(_file(job_id))

    def whole(self, fields: dict[str, str]) -> dict[str, str]:
        """Return a record with what was moved. Raises NotFound if that has been deleted."""
        if "archived" not in fields:
            return fields
        stored: dict[str, Any] = json.loads(self._files.get(_file(fields["id"])))
        return stored | {name: value for name, value in fields.items() if name != "archived"}


def _file(job_id: str) -> str:
    return f"jobs/{job_id}/record.json"
