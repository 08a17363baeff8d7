"""Uses of an upload in quick succession make one trip to Redis and keep the bytes alive."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from cachetools import TTLCache
from redis import Redis

from jobs import redis_keys
from jobs.artifacts import ArtifactStore
from jobs.errors import NotFound
from jobs.settings import Settings
from jobs.uploads import ImageFacts, ImageStore

FACTS = ImageFacts(width=9, height=9, media_type="image/png")


class Clock:
    """A monotonic clock that a test can set forward."""

    def __init__(self) -> None:
        self.ahead_s = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_s


@pytest.fixture
def images(redis: Redis, settings: Settings) -> ImageStore:
    return ImageStore(redis, ArtifactStore(settings.artifacts_location), settings)


@pytest.fixture
def clock(images: ImageStore) -> Clock:
    clock = Clock()
    images._used = TTLCache(images._used.maxsize, images._used.ttl, timer=clock)
    return clock


def test_a_repeated_use_skips_redis_and_a_later_use_extends_the_life(
    images: ImageStore, redis: Redis, clock: Clock
) -> None:
    image = images.put("ada", b"pixels", FACTS)
    member = f"image:ada:{image.id.removeprefix('sha256:')}"
    first = images.use("ada", image.id)
    redis.zadd(redis_keys.EXPIRING, {member: 1})
    clock.ahead_s = 4.5
    assert images.use("ada", image.id) == first
    assert redis.zscore(redis_keys.EXPIRING, member) == 1
    clock.ahead_s = 5
    images.use("ada", image.id)
    assert redis.zscore(redis_keys.EXPIRING, member) > time.time() * 1000


def test_cached_uses_are_per_owner_and_never_negative(
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


def test_the_cache_of_uses_is_bounded_and_shared_by_threads(images: ImageStore) -> None:
    images._used = TTLCache(3, 60)
    ids = [images.put("ada", b"pixels %d" % number, FACTS).id for number in range(10)]
    with ThreadPoolExecutor(8) as pool:
        used = list(pool.map(lambda number: images.use("ada", ids[number % 10]), range(200)))
    assert [image.id for image in used] == ids * 20
    assert len(images._used) <= 3
