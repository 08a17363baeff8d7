"""Image sets: ordered lists of stored images, without doubles, that only grow. Records in Redis, per owner.

A set keeps its images alive: none expires before the set does. Whatever makes a set live longer first makes its images
live longer; the steps where two writers meet are scripts, `scripts/set_*.lua`.
"""

import re
from collections.abc import Sequence
from typing import Any, Literal

from pydantic import BaseModel
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import ImageNotFound, ImageSetFull, NotFound, TooManyImageSets
from jobs.script_runner import Scripts
from jobs.settings import Settings
from jobs.store import new_job_id
from jobs.uploads import GRACE_MS, ImageStore, digest_of, member

Outcome = Literal["added", "present", "unknown", "full"]

_ID = re.compile("[0-9a-f]{32}")
_BATCH = 1000
# A set is kept longer than asked by this part of a life, so that of many uses only a few renew all of its images.
_SLACK, _MOST_SLACK_MS = 0.05, 12 * 3_600_000


class ImageSet(BaseModel):
    """The record of a set. Times are milliseconds of Redis's clock."""

    id: str
    name: str
    images: int
    bytes: int
    created_ms: int
    expires_ms: int


class ImageSetStore:
    """Makes, fills, keeps and forgets sets. Every method may raise redis.RedisError."""

    def __init__(
        self, redis: Redis, artifacts: ArtifactStore, images: ImageStore, settings: Settings
    ) -> None:
        self._redis = redis
        self._run = Scripts(redis)
        self._artifacts = artifacts
        self._images = images
        self._settings = settings
        self._ttl_ms = round(settings.job_ttl_s * 1000)
        self._life_ms = self._ttl_ms + round(min(_SLACK * self._ttl_ms, _MOST_SLACK_MS))

    def create(self, owner: str, name: str) -> ImageSet:
        """An empty set. Raises TooManyImageSets."""
        set_id = new_job_id()
        keys = [
            redis_keys.image_set(owner, set_id),
            redis_keys.EXPIRING,
            redis_keys.owner_sets(owner),
        ]
        limits = self._life_ms, GRACE_MS, _member(owner, set_id), self._settings.max_sets
        if self._run("set_create", keys, set_id, name, *limits) == "full":
            raise TooManyImageSets
        return self.get(owner, set_id)

    def add(self, owner: str, set_id: str, image_ids: Sequence[str]) -> ImageSet:
        """Append all of them, in order, or none; those already in it are skipped.

        Raises NotFound, ImageNotFound, ImageSetFull.
        """
        answer = self._append(owner, set_id, image_ids, all_or_nothing=True)
        if answer[0] == "unknown":
            raise ImageNotFound(f"sha256:{answer[1]}")
        if answer[0] == "full":
            raise ImageSetFull(set_id)
        return self.get(owner, set_id)

    def add_some(self, owner: str, set_id: str, image_ids: Sequence[str]) -> list[Outcome]:
        """Append those that are stored and still fit; what became of each. Raises NotFound."""
        return self._append(owner, set_id, image_ids, all_or_nothing=False)[1:]

    def get(self, owner: str, set_id: str) -> ImageSet:
        """The record. Raises NotFound, also for another owner's."""
        return self._records(owner, [set_id])[0]

    def use(self, owner: str, set_id: str) -> ImageSet:
        """The record, kept with its images for as long as a job made now. Raises NotFound."""
        found = self.get(owner, set_id)
        seconds, micros = self._redis.time()
        now_ms = seconds * 1000 + micros // 1000
        if found.expires_ms >= now_ms + self._ttl_ms:
            return found
        for start in range(0, found.images, _BATCH):
            self._images.keep(
                owner, self._digests(owner, set_id, start, start + _BATCH), self._life_ms
            )
        # Only now the set: at every moment its images live at least as long.
        until = now_ms + self._life_ms
        if not self._run(
            "set_keep", _keys(owner, set_id), set_id, until, GRACE_MS, _member(owner, set_id)
        ):
            raise NotFound(set_id)
        return self.get(owner, set_id)

    def members(self, owner: str, set_id: str, start: int, stop: int) -> list[str]:
        """Ids `sha256:…` of the images number `start` up to but without `stop`, as they were added. Raises NotFound."""
        self.get(owner, set_id)
        return [f"sha256:{digest}" for digest in self._digests(owner, set_id, start, stop)]

    def page(self, owner: str, before: str | None, limit: int) -> list[ImageSet]:
        """Newest first, the ids below `before`, at most `limit`."""
        every: list[str] = self._redis.zrange(redis_keys.owner_sets(owner), 0, -1)  # type: ignore[assignment]
        ids = sorted(
            (set_id for set_id in every if before is None or set_id < before), reverse=True
        )
        found: list[ImageSet] = []
        for start in range(0, len(ids), limit):
            found += self._records(owner, ids[start : start + limit], missing_ok=True)
            if len(found) >= limit:
                break
        return found[:limit]

    def delete(self, owner: str, set_id: str) -> None:
        """Forget the set and what is kept beside it; its images go when nothing else keeps them. Raises NotFound."""
        _check(set_id)
        if not self._run(
            "set_delete", _keys(owner, set_id), set_id, GRACE_MS, _member(owner, set_id)
        ):
            raise NotFound(set_id)
        self._artifacts.delete_folder(_folder(owner, set_id))

    def kept(self, owner: str, set_id: str, name: str) -> bytes | None:
        """A file kept beside the set, or None."""
        try:
            return self._artifacts.get(_file(owner, set_id, name))
        except NotFound:
            return None

    def has_kept(self, owner: str, set_id: str, name: str) -> bool:
        """Is there a file of that name beside the set?"""
        return self._artifacts.has(_file(owner, set_id, name))

    def keep(self, owner: str, set_id: str, name: str, data: bytes) -> None:
        """Keep a file beside the set for as long as it lives. Raises NotFound."""
        self.get(owner, set_id)
        key = _file(owner, set_id, name)
        self._artifacts.put(key, data)
        try:
            self.get(owner, set_id)
        except NotFound:  # deleted meanwhile, and its folder too
            self._artifacts.delete(key)
            raise

    def forget_expired(self, name: str) -> None:
        """Delete the folder of the set `owner:id` if there is no such set any more."""
        owner, _, set_id = name.rpartition(":")
        if self._redis.exists(redis_keys.image_set(owner, set_id)):
            return
        self._artifacts.delete_folder(_folder(owner, set_id))
        with self._redis.pipeline() as pipe:
            pipe.zrem(redis_keys.owner_sets(owner), set_id)
            pipe.zrem(redis_keys.EXPIRING, _member(owner, set_id))
            pipe.execute()

    def _append(
        self, owner: str, set_id: str, image_ids: Sequence[str], *, all_or_nothing: bool
    ) -> list[Any]:
        """What `set_add` returns. Raises NotFound."""
        self.use(owner, set_id)
        limits = (
            self._life_ms,
            GRACE_MS,
            redis_keys.upload("image", owner, ""),
            member("image", owner, ""),
        )
        most = self._settings.max_set_images, self._settings.max_set_bytes
        digests = [digest_of(image_id) for image_id in image_ids]
        keys = _keys(owner, set_id)
        answer: list[Any] = self._run(
            "set_add", keys[:3], *limits, *most, int(all_or_nothing), *digests
        )
        if answer[0] == "gone":
            raise NotFound(set_id)
        return answer

    def _records(
        self, owner: str, ids: Sequence[str], *, missing_ok: bool = False
    ) -> list[ImageSet]:
        with self._redis.pipeline(transaction=False) as pipe:
            for set_id in ids:
                _check(set_id)
                pipe.hgetall(redis_keys.image_set(owner, set_id))
            found = [ImageSet.model_validate(fields) for fields in pipe.execute() if fields]
        if not missing_ok and len(found) < len(ids):
            raise NotFound(*ids)
        return found

    def _digests(self, owner: str, set_id: str, start: int, stop: int) -> list[str]:
        if stop <= max(start, 0):
            return []
        key = redis_keys.set_images(owner, set_id)
        digests: list[str] = self._redis.zrange(key, max(start, 0), stop - 1)  # type: ignore[assignment]
        return digests


def _keys(owner: str, set_id: str) -> list[str]:
    _check(set_id)
    return [
        redis_keys.image_set(owner, set_id),
        redis_keys.set_images(owner, set_id),
        redis_keys.EXPIRING,
        redis_keys.owner_sets(owner),
    ]


def _member(owner: str, set_id: str) -> str:
    return f"set:{owner}:{set_id}"


def _folder(owner: str, set_id: str) -> str:
    _check(set_id)
    return f"sets/{owner}/{set_id}"


def _file(owner: str, set_id: str, name: str) -> str:
    if any(part in ("", ".", "..") for part in name.split("/")):
        raise ValueError(f"{name!r} is no file name")
    return f"{_folder(owner, set_id)}/{name}"


def _check(set_id: str) -> None:
    """Raises NotFound, so that no other text ever reaches a key."""
    if not _ID.fullmatch(set_id):
        raise NotFound(set_id)
