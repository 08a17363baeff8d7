"""Uses of an image that follow each other soon make one trip to Redis; the bytes live for a job made now."""

import time

import pytest
from redis import Redis

from jobs import redis_keys, ttl_cache
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.settings import Settings
from jobs.uploads import ImageFacts, ImageStore

FACTS = ImageFacts(width=9, height=9, media_type="image/png")


class Clock:
    """time.monotonic, ahead by as much as one says."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.ahead, real = 0.0, time.monotonic
        monkeypatch.setattr(ttl_cache.time, "monotonic", lambda: real() + self.ahead)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def images(redis: Redis, settings: Settings) -> ImageStore:
    return ImageStore(redis, ArtifactStore(settings.artifacts_location), settings)


def test_a_second_use_asks_nobody_and_a_later_one_prolongs(
    images: ImageStore, redis: Redis, clock: Clock
) -> None:
    image = images.put("ada", b"pixels", FACTS)
    member = f"image:ada:{image.id.removeprefix('sha256:')}"
    first = images.use("ada", image.id)
    redis.zadd(redis_keys.EXPIRING, {member: 1})
    assert images.use("ada", image.id) == first
    assert redis.zscore(redis_keys.EXPIRING, member) == 1
    clock.ahead = 5
    images.use("ada", image.id)
    assert redis.zscore(redis_keys.EXPIRING, member) > time.time() * 1000


def test_what_is_remembered_is_of_one_owner_and_never_that_it_is_missing(
    images: ImageStore,
) -> None:
    missing = "sha256:" + "0" * 64
    with pytest.raises(NotFound):
        images.use("ada", missing)
    image = images.put("ada", b"pixels", FACTS)
    images.use("ada", image.id)
    with pytest.raises(NotFound):
        images.use("eve", image.id)
    with pytest.raises(NotFound):
        images.use("eve", image.id)
    images.put("eve", b"pixels", FACTS)
    assert images.use("eve", image.id).id == image.id
