"""Uploaded images: bytes in the object store by their hash, one record each in Redis, both per owner."""

import hashlib
import json
import time

from pydantic import BaseModel
from redis import Redis

from jobs import keyspace
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.model import InputImage
from jobs.settings import Settings

_GRACE_MS = 60_000


class StoredImage(InputImage):
    """The record of an image."""

    media_type: str
    bytes: int
    expires_ms: int = 0


class ImageFacts(BaseModel):
    """What was found out about the bytes."""

    width: int
    height: int
    media_type: str
    conversions: list[str] = []


class ImageStore:
    """Stores an image once per owner; every use keeps it for another life of a job."""

    def __init__(self, redis: Redis, artifacts: ArtifactStore, settings: Settings) -> None:
        self._redis = redis
        self._artifacts = artifacts
        self._ttl_ms = settings.job_ttl_s * 1000

    def put(self, owner: str, data: bytes, facts: ImageFacts) -> StoredImage:
        digest = hashlib.sha256(data).hexdigest()
        image = StoredImage(id=f"sha256:{digest}", bytes=len(data), **facts.model_dump())
        # First the note that it will expire: bytes that nobody knows of would stay for ever.
        self._redis.zadd(keyspace.EXPIRING, {_member(owner, image.id): _now_ms() + _GRACE_MS}, nx=True)
        self._artifacts.put(image_key(owner, image.id), data)
        return self._keep(owner, image)

    def use(self, owner: str, image_id: str) -> StoredImage:
        """The record, kept for as long as a job made now. Raises NotFound."""
        return self._keep(owner, self.get(owner, image_id))

    def get(self, owner: str, image_id: str) -> StoredImage:
        """The record. Raises NotFound, also for another owner's image."""
        text = self._redis.get(keyspace.image(owner, _digest(image_id)))
        if text is None:
            raise NotFound(image_id)
        return StoredImage.model_validate_json(str(text))

    def read(self, owner: str, image_id: str) -> bytes:
        """The bytes as they were sent. Raises NotFound."""
        return self._artifacts.get(image_key(owner, image_id))

    def forget_expired(self, name: str) -> None:
        """Delete the image `owner:digest` if no record keeps it any more."""
        owner, _, digest = name.rpartition(":")
        if self._redis.exists(keyspace.image(owner, digest)):
            return
        self._artifacts.delete(image_key(owner, f"sha256:{digest}"))
        self._redis.zrem(keyspace.EXPIRING, f"image:{name}")
        # Stored again in this very moment: without its bytes the record must go too, and a client is told to upload.
        self._redis.delete(keyspace.image(owner, digest))

    def _keep(self, owner: str, image: StoredImage) -> StoredImage:
        kept = image.model_copy(update={"expires_ms": _now_ms() + self._ttl_ms})
        digest = _digest(image.id)
        with self._redis.pipeline() as pipe:
            pipe.set(keyspace.image(owner, digest), json.dumps(kept.model_dump()), px=self._ttl_ms)
            # The bytes go a minute after the record, so that a job that was just made still finds them.
            pipe.zadd(keyspace.EXPIRING, {_member(owner, image.id): kept.expires_ms + _GRACE_MS})
            pipe.pexpire(keyspace.EXPIRING, self._ttl_ms + 86_400_000)
            pipe.execute()
        return kept


def image_key(owner: str, image_id: str) -> str:
    return f"images/{owner}/{_digest(image_id)}"


def _member(owner: str, image_id: str) -> str:
    return f"image:{owner}:{_digest(image_id)}"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def _digest(image_id: str) -> str:
    """The hex digest of a well-formed id. Raises NotFound, so that no other text ever reaches a key."""
    digest = image_id.removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise NotFound(image_id)
    return digest
