"""What clients upload: bytes in the object store by their hash, one record each in Redis, both per owner and kind."""

import hashlib
import json
import time
from collections.abc import Sequence
from typing import Generic, TypeVar

from pydantic import BaseModel
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound, StoreBusy
from jobs.model import InputArray, InputImage
from jobs.script_runner import Scripts
from jobs.settings import Settings
from jobs.ttl_cache import TTLCache

# The bytes go so long after the record, so that a job that was just made still finds them.
GRACE_MS = 60_000
_LEAVING_MS = 30_000
_POLL_S = 0.02
_PATIENCE_S = 10.0
# Uses that follow each other so soon prolong a life only once: the grace is far longer.
_SAME_USE_S = 5.0


class Stored(BaseModel):
    """What every record of an upload says."""

    id: str
    media_type: str
    bytes: int
    expires_ms: int = 0


Record = TypeVar("Record", bound=Stored)


class UploadStore(Generic[Record]):
    """Stores bytes once per owner; every use keeps them for another life of a job.

    A subclass is one kind of upload.
    """

    kind: str
    record: type[Record]

    def __init__(self, redis: Redis, artifacts: ArtifactStore, settings: Settings) -> None:
        self._redis = redis
        self._run = Scripts(redis)
        self._artifacts = artifacts
        self._ttl_ms = round(settings.job_ttl_s * 1000)
        self._used: TTLCache[tuple[str, str], Record] = TTLCache(
            min(_SAME_USE_S, settings.job_ttl_s / 100)
        )

    def put(self, owner: str, data: bytes, facts: BaseModel) -> Record:
        """Keep the bytes; `facts` is what was found out about them."""
        digest = hashlib.sha256(data).hexdigest()
        stored = self.record(id=f"sha256:{digest}", bytes=len(data), **facts.model_dump())
        # First the note that it will expire: bytes that nobody knows of would stay for ever.
        self._expect(owner, digest)
        self._artifacts.put(self._key(owner, stored.id), data)
        record = json.dumps(stored.model_dump(exclude={"expires_ms"}))
        return stored.model_copy(
            update={"expires_ms": self.keep(owner, [digest], self._ttl_ms, record)}
        )

    def use(self, owner: str, upload_id: str) -> Record:
        """The record; the bytes are kept for as long as a job made now. Raises NotFound.

        For some seconds after a use it is answered from memory, whatever has become of Redis.
        """
        if used := self._used.get((owner, upload_id)):
            return used.model_copy()
        expires_ms, text = self._keep(owner, [digest_of(upload_id)], self._ttl_ms)
        if not expires_ms:
            raise NotFound(upload_id)
        record = self._read(text, expires_ms)
        self._used.put((owner, upload_id), record)
        return record

    def keep(self, owner: str, digests: Sequence[str], life_ms: int, record: str = "") -> int:
        """Keep uploads for so long; returns the earliest expiry, 0 if one of them is not stored (any more)."""
        return self._keep(owner, digests, life_ms, record)[0]

    def get(self, owner: str, upload_id: str) -> Record:
        """The record. Raises NotFound, also for another owner's upload."""
        digest = digest_of(upload_id)
        with self._redis.pipeline() as pipe:
            pipe.get(redis_keys.upload(self.kind, owner, digest))
            pipe.zscore(redis_keys.EXPIRING, self._member(owner, digest))
            text, goes_ms = pipe.execute()
        if text is None:
            raise NotFound(upload_id)
        return self._read(str(text), max(int(goes_ms or 0) - GRACE_MS, 0))

    def read(self, owner: str, upload_id: str) -> bytes:
        """The bytes as they were sent. Raises NotFound."""
        return self._artifacts.get(self._key(owner, upload_id))

    def forget_expired(self, name: str) -> None:
        """Delete the upload `owner:digest` if no record keeps it any more."""
        owner, _, digest = name.rpartition(":")
        record, leaving = (
            redis_keys.upload(self.kind, owner, digest),
            redis_keys.leaving(self.kind, owner, digest),
        )
        member = self._member(owner, digest)
        if not self._run(
            "upload_release", [record, leaving, redis_keys.EXPIRING], member, _LEAVING_MS
        ):
            return
        self._artifacts.delete(self._key(owner, f"sha256:{digest}"))
        with self._redis.pipeline() as pipe:
            pipe.zrem(redis_keys.EXPIRING, member)
            pipe.delete(leaving)
            pipe.execute()

    def _keep(
        self, owner: str, digests: Sequence[str], life_ms: int, record: str = ""
    ) -> tuple[int, str]:
        """The earliest expiry, and the last record; (0, '') if one is gone."""
        prefixes = redis_keys.upload(self.kind, owner, ""), self._member(owner, "")
        arguments: list[str | int] = [life_ms, GRACE_MS, *prefixes, record, *digests]
        expires_ms, text = self._run("uploads_keep", [redis_keys.EXPIRING], *arguments)
        return int(expires_ms), str(text)

    def _read(self, text: str, expires_ms: int) -> Record:
        return self.record.model_validate_json(text).model_copy(update={"expires_ms": expires_ms})

    def _expect(self, owner: str, digest: str) -> None:
        """Note that bytes will come. Waits while the sweep deletes the same ones, so that it never deletes the new."""
        keys = [redis_keys.leaving(self.kind, owner, digest), redis_keys.EXPIRING]
        deadline = time.monotonic() + _PATIENCE_S
        while not self._run("upload_expect", keys, self._member(owner, digest), GRACE_MS):
            if time.monotonic() > deadline:
                raise StoreBusy(digest)
            time.sleep(_POLL_S)

    def _key(self, owner: str, upload_id: str) -> str:
        """Its place in the object store."""
        return f"{self.kind}s/{owner}/{digest_of(upload_id)}"

    def _member(self, owner: str, digest: str) -> str:
        """Its name in EXPIRING."""
        return member(self.kind, owner, digest)


def member(kind: str, owner: str, digest: str) -> str:
    """An upload's name in EXPIRING."""
    return f"{kind}:{owner}:{digest}"


def digest_of(upload_id: str) -> str:
    """The hex digest of a well-formed id. Raises NotFound, so that no other text ever reaches a key."""
    digest = upload_id.removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise NotFound(upload_id)
    return digest


MEDIA_TYPE = "application/x-npy"


class StoredArray(InputArray, Stored):
    """The record of an array."""


class ArrayFacts(BaseModel):
    """What the file's header says."""

    shape: list[int]
    dtype: str
    media_type: str = MEDIA_TYPE


class ArrayStore(UploadStore[StoredArray]):
    """Arrays, by the hash of the file; apart from the images, so that neither is ever taken for the other."""

    kind = "array"
    record = StoredArray


class StoredImage(InputImage, Stored):
    """The record of an image."""


class ImageFacts(BaseModel):
    """What was found out about the bytes."""

    width: int
    height: int
    media_type: str
    conversions: list[str] = []


class ImageStore(UploadStore[StoredImage]):
    """Images, by the hash of the file."""

    kind = "image"
    record = StoredImage
