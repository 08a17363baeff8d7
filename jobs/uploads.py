"""Uploads of clients: bytes in the object store by their hash, and a record of each in Redis.

Uploads are stored once per owner and kind. Every use of an upload keeps it for another lifetime of
a job.
"""

import hashlib
import json
import threading
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

from cachetools import TTLCache
from pydantic import BaseModel
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound, StoreBusy
from jobs.model import InputArray, InputImage
from jobs.script_runner import ScriptRunner
from jobs.settings import Settings

# The bytes outlive the record by this much, so that a job that was just created still finds them.
GRACE_MS = 60_000
ARRAY_MEDIA_TYPE = "application/x-npy"
_LEAVING_MS = 30_000
_POLL_S = 0.02
_PATIENCE_S = 10.0
# Uses within this time of each other extend a lifetime only once. The grace is far longer.
_SAME_USE_S = 5.0
_CACHED_USES = 1_000


class UploadRecord(BaseModel):
    """The fields that every record of an upload has."""

    id: str
    media_type: str
    bytes: int
    expires_ms: int = 0


Record = TypeVar("Record", bound=UploadRecord)


class UploadStore(Generic[Record]):
    """The uploads of one kind. A subclass names the kind and its record.

    Methods may raise redis.RedisError or obstore's BaseError.
    """

    kind: str
    record: type[Record]

    def __init__(self, redis: Redis, artifacts: ArtifactStore, settings: Settings) -> None:
        self._redis = redis
        self._scripts = ScriptRunner(redis)
        self._artifacts = artifacts
        self._ttl_ms = settings.job_ttl_ms
        # The records of recent uses, by owner and id.
        self._used: TTLCache[tuple[str, str], Record] = TTLCache(
            _CACHED_USES, min(_SAME_USE_S, settings.job_ttl_s / 100)
        )
        self._used_lock = threading.Lock()

    def put(self, owner: str, data: bytes, facts: BaseModel) -> Record:
        """Store bytes. `facts` holds the further fields of their record. Raises StoreBusy."""
        digest = hashlib.sha256(data).hexdigest()
        stored = self.record(id=f"sha256:{digest}", bytes=len(data), **facts.model_dump())
        # The bytes are announced before they exist, so that the sweep finds them if no record
        # follows.
        self._expect(owner, digest)
        self._artifacts.put(self._file(owner, stored.id), data)
        record = json.dumps(stored.model_dump(exclude={"expires_ms"}))
        expires_ms = self.keep(owner, [digest], self._ttl_ms, record)
        return stored.model_copy(update={"expires_ms": expires_ms})

    def use(self, owner: str, upload_id: str) -> Record:
        """Return the record and keep the upload as long as a job created now. Raises NotFound.

        For some seconds after a use, the record comes from memory, even during a Redis outage.
        """
        key = owner, upload_id
        with self._used_lock:
            used = self._used.get(key)
        if used is not None:
            return used.model_copy()
        expires_ms, text = self._keep(owner, [digest_of(upload_id)], self._ttl_ms)
        if not expires_ms:
            raise NotFound(upload_id)
        record = self._parse(text, expires_ms)
        with self._used_lock:
            self._used[key] = record
        return record

    def keep(self, owner: str, digests: Sequence[str], life_ms: int, record: str = "") -> int:
        """Keep uploads for that long and return the earliest expiry, or 0 if one is not stored."""
        return self._keep(owner, digests, life_ms, record)[0]

    def get(self, owner: str, upload_id: str) -> Record:
        """Return the record. Raises NotFound, also for another owner's upload."""
        digest = digest_of(upload_id)
        with self._redis.pipeline() as pipe:
            pipe.get(redis_keys.upload(self.kind, owner, digest))
            pipe.zscore(redis_keys.EXPIRING, self._member(owner, digest))
            text, delete_at_ms = pipe.execute()
        if text is None:
            raise NotFound(upload_id)
        return self._parse(str(text), max(int(delete_at_ms or 0) - GRACE_MS, 0))

    def read(self, owner: str, upload_id: str) -> bytes:
        """Return the bytes as they were sent. Raises NotFound."""
        return self._artifacts.get(self._file(owner, upload_id))

    def delete_expired(self, name: str) -> None:
        """Delete the upload `owner:digest` unless it is kept or expected again."""
        owner, _, digest = name.rpartition(":")
        record = redis_keys.upload(self.kind, owner, digest)
        leaving = redis_keys.leaving(self.kind, owner, digest)
        member = self._member(owner, digest)
        if not self._scripts.run(
            "upload_release",
            [record, leaving, redis_keys.EXPIRING],
            member=member,
            leaving_ms=_LEAVING_MS,
        ):
            return
        self._artifacts.delete(self._file(owner, f"sha256:{digest}"))
        with self._redis.pipeline() as pipe:
            pipe.zrem(redis_keys.EXPIRING, member)
            pipe.delete(leaving)
            pipe.execute()

    def _keep(
        self, owner: str, digests: Sequence[str], life_ms: int, record: str = ""
    ) -> tuple[int, str]:
        """Return the earliest expiry and the last record, or (0, "") if one is not stored."""
        expires_ms, text = self._scripts.run(
            "uploads_keep",
            [redis_keys.EXPIRING],
            digests=list(digests),
            life_ms=life_ms,
            grace_ms=GRACE_MS,
            record_prefix=redis_keys.upload(self.kind, owner, ""),
            member_prefix=self._member(owner, ""),
            new_record=record,
        )
        return int(expires_ms), str(text)

    def _parse(self, text: str, expires_ms: int) -> Record:
        return self.record.model_validate_json(text).model_copy(update={"expires_ms": expires_ms})

    def _expect(self, owner: str, digest: str) -> None:
        """Announce bytes, and wait while the sweep deletes the same bytes. Raises StoreBusy."""
        keys = [redis_keys.leaving(self.kind, owner, digest), redis_keys.EXPIRING]
        member = self._member(owner, digest)
        deadline = time.monotonic() + _PATIENCE_S
        while not self._scripts.run("upload_expect", keys, member=member, grace_ms=GRACE_MS):
            if time.monotonic() > deadline:
                raise StoreBusy(digest)
            time.sleep(_POLL_S)

    def _file(self, owner: str, upload_id: str) -> str:
        return f"{self.kind}s/{owner}/{digest_of(upload_id)}"

    def _member(self, owner: str, digest: str) -> str:
        return redis_keys.expiring_upload(self.kind, owner, digest)


def digest_of(upload_id: str) -> str:
    """Return the hex digest of an id. Raises NotFound, so that no other text reaches a key."""
    digest = upload_id.removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise NotFound(upload_id)
    return digest


class StoredImage(InputImage, UploadRecord):
    """The record of an image."""


class ImageFacts(BaseModel):
    """The properties of an image that its record contains."""

    width: int
    height: int
    media_type: str
    conversions: list[str] = []


class ImageStore(UploadStore[StoredImage]):
    """The uploaded images."""

    kind = "image"
    record = StoredImage


class StoredArray(InputArray, UploadRecord):
    """The record of an array."""


class ArrayFacts(BaseModel):
    """The properties of an array that its record contains."""

    shape: list[int]
    dtype: str
    media_type: str = ARRAY_MEDIA_TYPE


class ArrayStore(UploadStore[StoredArray]):
    """The uploaded arrays, apart from the images, so that neither is ever taken for the other."""

    kind = "array"
    record = StoredArray
