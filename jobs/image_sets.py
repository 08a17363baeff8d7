"""Image sets: ordered lists of stored images, without duplicates, that only grow.

Their records are in Redis, per owner. A set keeps its images alive, so that none expires before the
set does: whatever extends the life of a set first extends the life of its images. Steps that two
writers may take at the same time are scripts (`scripts/set_*.lua`).
"""

from collections.abc import Sequence
from typing import Any, Literal, cast

from pydantic import BaseModel
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import ImageNotFound, ImageSetFull, NotFound, TooManyImageSets
from jobs.script_runner import ScriptRunner
from jobs.settings import Settings
from jobs.store import check_id, new_job_id
from jobs.uploads import GRACE_MS, ImageStore, digest_of

Outcome = Literal["added", "present", "unknown", "full"]

_BATCH = 1000
# A set is kept longer than requested by this share of a lifetime, so that only a few of many uses
# have to extend the life of all its images.
_SLACK, _MAX_SLACK_MS = 0.05, 12 * 3_600_000


class ImageSet(BaseModel):
    """The record of a set. Times are milliseconds of Redis's clock."""

    id: str
    name: str
    images: int
    bytes: int
    created_ms: int
    expires_ms: int


class ImageSetStore:
    """The image sets in one Redis. Every method may raise redis.RedisError."""

    def __init__(
        self, redis: Redis, artifacts: ArtifactStore, images: ImageStore, settings: Settings
    ) -> None:
        self._redis = redis
        self._scripts = ScriptRunner(redis)
        self._artifacts = artifacts
        self._images = images
        self._settings = settings
        self._ttl_ms = settings.job_ttl_ms
        self._life_ms = self._ttl_ms + round(min(_SLACK * self._ttl_ms, _MAX_SLACK_MS))

    def create(self, owner: str, name: str) -> ImageSet:
        """Create an empty set. Raises TooManyImageSets."""
        set_id = new_job_id()
        answer = self._scripts.run(
            "set_create",
            [
                redis_keys.image_set(owner, set_id),
                redis_keys.EXPIRING,
                redis_keys.owner_sets(owner),
            ],
            id=set_id,
            name=name,
            life_ms=self._life_ms,
            grace_ms=GRACE_MS,
            member=redis_keys.expiring_set(owner, set_id),
            max_sets=self._settings.max_sets,
        )
        if answer == "full":
            raise TooManyImageSets
        return self.get(owner, set_id)

    def add(self, owner: str, set_id: str, image_ids: Sequence[str]) -> ImageSet:
        """Append all of the images, in order, or none. Skip those that the set already holds.

        Raises NotFound, ImageNotFound or ImageSetFull.
        """
        outcome, *digests = self._append(owner, set_id, image_ids, atomic=True)
        if outcome == "unknown":
            raise ImageNotFound(f"sha256:{digests[0]}")
        if outcome == "full":
            raise ImageSetFull(set_id)
        return self.get(owner, set_id)

    def add_some(self, owner: str, set_id: str, image_ids: Sequence[str]) -> list[Outcome]:
        """Append the images that are stored and fit. Return each outcome. Raises NotFound."""
        return self._append(owner, set_id, image_ids, atomic=False)[1:]

    def get(self, owner: str, set_id: str) -> ImageSet:
        """Return the record. Raises NotFound, also for another owner's set."""
        return self._records(owner, [set_id])[0]

    def use(self, owner: str, set_id: str) -> ImageSet:
        """Return the record and keep the set as long as a job created now. Raises NotFound."""
        found = self.get(owner, set_id)
        seconds, micros = self._redis.time()
        now_ms = seconds * 1000 + micros // 1000
        if found.expires_ms >= now_ms + self._ttl_ms:
            return found
        # The images come first: at every moment they live at least as long as the set.
        for start in range(0, found.images, _BATCH):
            digests = self._digests(owner, set_id, start, start + _BATCH)
            self._images.keep(owner, digests, self._life_ms)
        if not self._scripts.run(
            "set_keep",
            _keys(owner, set_id),
            id=set_id,
            until_ms=now_ms + self._life_ms,
            grace_ms=GRACE_MS,
            member=redis_keys.expiring_set(owner, set_id),
        ):
            raise NotFound(set_id)
        return self.get(owner, set_id)

    def members(self, owner: str, set_id: str, start: int, stop: int) -> list[str]:
        """Return the ids of images number `start` up to and excluding `stop`. Raises NotFound."""
        self.get(owner, set_id)
        return [f"sha256:{digest}" for digest in self._digests(owner, set_id, start, stop)]

    def page(self, owner: str, before: str | None, limit: int) -> list[ImageSet]:
        """Return up to `limit` sets, newest first, with ids below `before`."""
        every = cast("list[str]", self._redis.zrange(redis_keys.owner_sets(owner), 0, -1))
        ids = [set_id for set_id in every if before is None or set_id < before]
        ids.sort(reverse=True)
        found: list[ImageSet] = []
        for start in range(0, len(ids), limit):
            found += self._records(owner, ids[start : start + limit], missing_ok=True)
            if len(found) >= limit:
                break
        return found[:limit]

    def delete(self, owner: str, set_id: str) -> None:
        """Delete the set and its files. Its images expire by themselves. Raises NotFound."""
        if not self._scripts.run(
            "set_delete",
            _keys(owner, set_id),
            id=set_id,
            grace_ms=GRACE_MS,
            member=redis_keys.expiring_set(owner, set_id),
        ):
            raise NotFound(set_id)
        self._artifacts.delete_folder(_folder(owner, set_id))

    def kept(self, owner: str, set_id: str, name: str) -> bytes | None:
        """Return a file that is kept with the set, or None."""
        try:
            return self._artifacts.get(_file(owner, set_id, name))
        except NotFound:
            return None

    def has_kept(self, owner: str, set_id: str, name: str) -> bool:
        """Return whether a file of that name is kept with the set."""
        return self._artifacts.has(_file(owner, set_id, name))

    def keep(self, owner: str, set_id: str, name: str, data: bytes) -> None:
        """Keep a file with the set for as long as it lives. Raises NotFound."""
        self.get(owner, set_id)
        key = _file(owner, set_id, name)
        self._artifacts.put(key, data)
        try:
            self.get(owner, set_id)
        except NotFound:
            # The set and its folder were deleted before the file was stored.
            self._artifacts.delete(key)
            raise

    def delete_expired(self, name: str) -> None:
        """Delete the folder of the set `owner:id` if the set no longer exists."""
        owner, _, set_id = name.rpartition(":")
        if self._redis.exists(redis_keys.image_set(owner, set_id)):
            return
        self._artifacts.delete_folder(_folder(owner, set_id))
        with self._redis.pipeline() as pipe:
            pipe.zrem(redis_keys.owner_sets(owner), set_id)
            pipe.zrem(redis_keys.EXPIRING, redis_keys.expiring_set(owner, set_id))
            pipe.execute()

    def _append(
        self, owner: str, set_id: str, image_ids: Sequence[str], *, atomic: bool
    ) -> list[Any]:
        """Return the answer of `set_add.lua`. Raises NotFound."""
        self.use(owner, set_id)
        record, images, expiring, _ = _keys(owner, set_id)
        answer: list[Any] = self._scripts.run(
            "set_add",
            [record, images, expiring],
            digests=[digest_of(image_id) for image_id in image_ids],
            life_ms=self._life_ms,
            grace_ms=GRACE_MS,
            record_prefix=redis_keys.upload("image", owner, ""),
            member_prefix=redis_keys.expiring_upload("image", owner, ""),
            max_images=self._settings.max_set_images,
            max_bytes=self._settings.max_set_bytes,
            atomic=atomic,
        )
        if answer[0] == "gone":
            raise NotFound(set_id)
        return answer

    def _records(
        self, owner: str, ids: Sequence[str], *, missing_ok: bool = False
    ) -> list[ImageSet]:
        with self._redis.pipeline(transaction=False) as pipe:
            for set_id in ids:
                check_id(set_id)
                pipe.hgetall(redis_keys.image_set(owner, set_id))
            found = [ImageSet.model_validate(fields) for fields in pipe.execute() if fields]
        if not missing_ok and len(found) < len(ids):
            raise NotFound(*ids)
        return found

    def _digests(self, owner: str, set_id: str, start: int, stop: int) -> list[str]:
        if stop <= max(start, 0):
            return []
        key = redis_keys.set_images(owner, set_id)
        return cast("list[str]", self._redis.zrange(key, max(start, 0), stop - 1))


def _keys(owner: str, set_id: str) -> list[str]:
    check_id(set_id)
    return [
        redis_keys.image_set(owner, set_id),
        redis_keys.set_images(owner, set_id),
        redis_keys.EXPIRING,
        redis_keys.owner_sets(owner),
    ]


def _folder(owner: str, set_id: str) -> str:
    check_id(set_id)
    return f"sets/{owner}/{set_id}"


def _file(owner: str, set_id: str, name: str) -> str:
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{name!r} is not a file name")
    return f"{_folder(owner, set_id)}/{name}"
