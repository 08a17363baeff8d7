"""Uploaded images: bytes in the object store by their hash, one record each in Redis, both per owner."""

import hashlib
import json
import time
from collections.abc import Sequence

from pydantic import BaseModel
from redis import Redis

from jobs import keyspace
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.lua import Scripts
from jobs.model import InputImage
from jobs.settings import Settings

# The bytes go so long after the record, so that a job that was just made still finds them.
GRACE_MS = 60_000
_LEAVING_MS = 30_000
_POLL_S = 0.02


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
        self._run = Scripts(redis)
        self._artifacts = artifacts
        self._ttl_ms = round(settings.job_ttl_s * 1000)

    def put(self, owner: str, data: bytes, facts: ImageFacts) -> StoredImage:
        digest = hashlib.sha256(data).hexdigest()
        image = StoredImage(id=f"sha256:{digest}", bytes=len(data), **facts.model_dump())
        # First the note that it will expire: bytes that nobody knows of would stay for ever.
        self._expect(owner, digest)
        self._artifacts.put(image_key(owner, image.id), data)
        record = json.dumps(image.model_dump(exclude={"expires_ms"}))
        return image.model_copy(update={"expires_ms": self.keep(owner, [digest], self._ttl_ms, record)})

    def use(self, owner: str, image_id: str) -> StoredImage:
        """The record, kept for as long as a job made now. Raises NotFound."""
        expires_ms = self.keep(owner, [digest_of(image_id)], self._ttl_ms)
        if not expires_ms:
            raise NotFound(image_id)
        return self.get(owner, image_id)

    def keep(self, owner: str, digests: Sequence[str], life_ms: int, record: str = "") -> int:
        """Keep images for so long; returns the earliest expiry, 0 if one of them is not stored (any more)."""
        prefixes = keyspace.image(owner, ""), image_member(owner, "")
        return int(self._run("images_keep", [keyspace.EXPIRING], life_ms, GRACE_MS, *prefixes, record, *digests))

    def get(self, owner: str, image_id: str) -> StoredImage:
        """The record. Raises NotFound, also for another owner's image."""
        digest = digest_of(image_id)
        with self._redis.pipeline() as pipe:
            pipe.get(keyspace.image(owner, digest))
            pipe.zscore(keyspace.EXPIRING, image_member(owner, digest))
            text, goes_ms = pipe.execute()
        if text is None:
            raise NotFound(image_id)
        expires_ms = int(goes_ms or 0) - GRACE_MS
        return StoredImage.model_validate_json(str(text)).model_copy(update={"expires_ms": max(expires_ms, 0)})

    def read(self, owner: str, image_id: str) -> bytes:
        """The bytes as they were sent. Raises NotFound."""
        return self._artifacts.get(image_key(owner, image_id))

    def forget_expired(self, name: str) -> None:
        """Delete the image `owner:digest` if no record keeps it any more."""
        owner, _, digest = name.rpartition(":")
        record, leaving = keyspace.image(owner, digest), keyspace.leaving_image(owner, digest)
        member = image_member(owner, digest)
        if not self._run("image_release", [record, leaving, keyspace.EXPIRING], member, _LEAVING_MS):
            return
        self._artifacts.delete(image_key(owner, f"sha256:{digest}"))
        with self._redis.pipeline() as pipe:
            pipe.zrem(keyspace.EXPIRING, member)
            pipe.delete(leaving)
            pipe.execute()

    def _expect(self, owner: str, digest: str) -> None:
        """Note that bytes will come. Waits while the sweep deletes the same ones, so that it never deletes the new."""
        keys = [keyspace.leaving_image(owner, digest), keyspace.EXPIRING]
        while not self._run("image_expect", keys, image_member(owner, digest), GRACE_MS):
            time.sleep(_POLL_S)


def image_key(owner: str, image_id: str) -> str:
    return f"images/{owner}/{digest_of(image_id)}"


def image_member(owner: str, digest: str) -> str:
    """Its name in EXPIRING."""
    return f"image:{owner}:{digest}"


def digest_of(image_id: str) -> str:
    """The hex digest of a well-formed id. Raises NotFound, so that no other text ever reaches a key."""
    digest = image_id.removeprefix("sha256:")
    if len(digest) != 64 or not set(digest) <= set("0123456789abcdef"):
        raise NotFound(image_id)
    return digest
