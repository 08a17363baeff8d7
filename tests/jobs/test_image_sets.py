"""Image sets are ordered, bounded and free of duplicates, and they keep their images alive."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from jobs.artifacts import ArtifactStore
from jobs.errors import ImageNotFound, ImageSetFull, NotFound, TooManyImageSets
from jobs.image_sets import ImageSetStore
from jobs.reconciler import Reconciler
from jobs.settings import Settings
from jobs.store import JobStore
from jobs.uploads import GRACE_MS, ImageFacts, ImageStore
from tests.wait import wait_until

FACTS = ImageFacts(width=9, height=9, media_type="image/png")


class Shop:
    """The stores of one Redis and one folder, with settings of their own."""

    def __init__(self, redis: Redis, settings: Settings, **changes: object) -> None:
        self.settings = settings.model_copy(update=changes)
        self.redis = redis
        self.files = ArtifactStore(settings.artifacts_location)
        self.images = ImageStore(redis, self.files, self.settings)
        self.sets = ImageSetStore(redis, self.files, self.images, self.settings)
        self.reconciler = Reconciler(JobStore(redis, self.settings), self.files, lambda *_: None)

    def put(self, number: int, owner: str = "ada") -> str:
        return self.images.put(owner, f"pixels {number}".encode(), FACTS).id

    def filled(self, *numbers: int) -> str:
        """Create a set of those images for Ada and return its id."""
        made = self.sets.create("ada", "")
        self.sets.add("ada", made.id, [self.put(number) for number in numbers])
        return made.id

    def sweep_later(self) -> None:
        """Sweep as if the grace was over for all that has expired."""
        for member in self.redis.zrange("retinoscope:expiring", 0, -1):
            self.redis.zincrby("retinoscope:expiring", -GRACE_MS, member)
        self.reconciler.sweep()
        for member in self.redis.zrange("retinoscope:expiring", 0, -1):
            self.redis.zincrby("retinoscope:expiring", GRACE_MS, member)


MakeShop = Callable[..., Shop]


@pytest.fixture
def make(redis: Redis, settings: Settings) -> MakeShop:
    return lambda **changes: Shop(redis, settings, **changes)


@pytest.fixture
def shop(make: MakeShop) -> Shop:
    return make()


def test_a_new_set_is_empty(shop: Shop) -> None:
    made = shop.sets.create("ada", "cats")
    assert (made.name, made.images, made.bytes) == ("cats", 0, 0)
    assert made.expires_ms >= made.created_ms + shop.settings.job_ttl_s * 1000
    assert shop.sets.members("ada", made.id, 0, 10) == []
    assert shop.sets.get("ada", made.id) == made


def test_images_keep_the_order_in_which_they_were_added_without_duplicates(shop: Shop) -> None:
    ids = [shop.put(number) for number in range(5)]
    made = shop.sets.create("ada", "")
    shop.sets.add("ada", made.id, [ids[3], ids[1], ids[3]])
    now = shop.sets.add("ada", made.id, [ids[1], ids[4], ids[0]])
    assert shop.sets.members("ada", made.id, 0, 99) == [ids[3], ids[1], ids[4], ids[0]]
    assert shop.sets.members("ada", made.id, 1, 3) == [ids[1], ids[4]]
    assert shop.sets.members("ada", made.id, 4, 9) == shop.sets.members("ada", made.id, 2, 2) == []
    assert (now.images, now.bytes) == (4, 4 * len(b"pixels 0"))


def test_add_appends_all_images_or_none(make: MakeShop) -> None:
    shop = make(max_set_images=3)
    set_id = shop.filled(0, 1)
    gone = "sha256:" + "0" * 64
    with pytest.raises(ImageNotFound, match=gone):
        shop.sets.add("ada", set_id, [shop.put(2), gone])
    with pytest.raises(ImageSetFull):
        shop.sets.add("ada", set_id, [shop.put(2), shop.put(3)])
    assert shop.sets.get("ada", set_id).images == 2
    assert shop.sets.add("ada", set_id, [shop.put(0), shop.put(2)]).images == 3


def test_add_some_appends_the_images_that_fit(make: MakeShop) -> None:
    shop = make(max_set_images=3)
    set_id = shop.filled(0)
    sent = [
        shop.put(0),
        shop.put(1),
        "sha256:" + "0" * 64,
        shop.put(1),
        shop.put(2),
        shop.put(3),
        shop.put(0),
    ]
    words = ["present", "added", "unknown", "present", "added", "full", "present"]
    assert shop.sets.add_some("ada", set_id, sent) == words
    assert shop.sets.members("ada", set_id, 0, 9) == [shop.put(number) for number in range(3)]


def test_the_bytes_of_a_set_are_bounded(make: MakeShop) -> None:
    shop = make(max_set_bytes=2 * len(b"pixels 0"))
    set_id = shop.filled(0, 1)
    with pytest.raises(ImageSetFull):
        shop.sets.add("ada", set_id, [shop.put(2)])


def test_the_sets_of_an_owner_are_bounded(make: MakeShop) -> None:
    shop = make(max_sets=3)
    made = [shop.sets.create("ada", "").id for _ in range(3)]
    with pytest.raises(TooManyImageSets):
        shop.sets.create("ada", "")
    shop.sets.create("bob", "")
    shop.sets.delete("ada", made[0])
    made.append(shop.sets.create("ada", "").id)
    assert [found.id for found in shop.sets.page("ada", None, 9)] == sorted(made[1:], reverse=True)


def test_an_expired_set_does_not_count_whether_swept_or_not(make: MakeShop) -> None:
    shop, brief = make(max_sets=2), make(max_sets=2, job_ttl_s=0.2)
    kept, expired = shop.sets.create("ada", "").id, brief.sets.create("ada", "").id
    time.sleep(0.4)
    assert [found.id for found in shop.sets.page("ada", None, 1)] == [kept]
    made = shop.sets.create("ada", "").id
    assert {found.id for found in shop.sets.page("ada", None, 9)} == {kept, made} != {expired}
    with pytest.raises(TooManyImageSets):
        shop.sets.create("ada", "")


def test_pages_list_the_newest_sets_first(shop: Shop) -> None:
    made = [shop.sets.create("ada", str(number)).id for number in range(7)]
    first = shop.sets.page("ada", None, 3)
    second = shop.sets.page("ada", first[-1].id, 99)
    assert [found.id for found in first + second] == sorted(made, reverse=True)
    assert len(first) == 3 and shop.sets.page("bob", None, 3) == []


def test_pages_lose_no_set_of_the_same_millisecond(shop: Shop) -> None:
    made = {shop.sets.create("ada", "").id for _ in range(30)}
    seen: list[str] = []
    while page := shop.sets.page("ada", seen[-1] if seen else None, 4):
        seen += [found.id for found in page]
    assert len(seen) == 30 and set(seen) == made


@pytest.mark.parametrize("set_id", ["", "x", "0" * 31, "0" * 32, "../../../../../../../etc/passwd"])
def test_an_unknown_set_is_not_found(shop: Shop, set_id: str) -> None:
    sets, owner = shop.sets, "ada"
    for wrong in (
        lambda: sets.get(owner, set_id),
        lambda: sets.use(owner, set_id),
        lambda: sets.add(owner, set_id, []),
        lambda: sets.members(owner, set_id, 0, 1),
        lambda: sets.delete(owner, set_id),
        lambda: sets.keep(owner, set_id, "index", b""),
    ):
        with pytest.raises(NotFound):
            wrong()


def test_the_set_of_another_owner_is_not_found(shop: Shop) -> None:
    set_id = shop.filled(0, 1)
    shop.sets.keep("ada", set_id, "index", b"numbers")
    for wrong in (
        lambda: shop.sets.get("bob", set_id),
        lambda: shop.sets.use("bob", set_id),
        lambda: shop.sets.add("bob", set_id, []),
        lambda: shop.sets.members("bob", set_id, 0, 1),
        lambda: shop.sets.delete("bob", set_id),
        lambda: shop.sets.keep("bob", set_id, "index", b""),
    ):
        with pytest.raises(NotFound):
            wrong()
    assert shop.sets.kept("bob", set_id, "index") is None
    bobs = shop.sets.create("bob", "")
    with pytest.raises(ImageNotFound):
        shop.sets.add("bob", bobs.id, [shop.put(0)])
    assert shop.sets.get("ada", set_id).images == 2


def test_concurrent_writers_neither_lose_nor_duplicate_images_nor_exceed_limits(
    make: MakeShop,
) -> None:
    shop = make(max_set_images=60)
    set_id = shop.sets.create("ada", "").id
    ids = [shop.put(number) for number in range(80)]
    start = threading.Barrier(8)

    def write(shift: int) -> list[str]:
        start.wait()
        mine = ids[shift:] + ids[:shift]
        return [
            word
            for first in range(0, 80, 5)
            for word in shop.sets.add_some("ada", set_id, mine[first : first + 5])
        ]

    with ThreadPoolExecutor(8) as pool:
        words = [word for answer in pool.map(write, range(0, 80, 10)) for word in answer]
    members = shop.sets.members("ada", set_id, 0, 999)
    assert (
        len(members)
        == len(set(members))
        == shop.sets.get("ada", set_id).images
        == words.count("added")
        == 60
    )
    assert shop.sets.get("ada", set_id).bytes == sum(
        shop.images.get("ada", member).bytes for member in members
    )
    scores = [
        score
        for _, score in shop.redis.zrange(
            f"retinoscope:owner:ada:set:{set_id}:images", 0, -1, withscores=True
        )
    ]
    assert scores == list(range(60))


def test_a_set_keeps_an_image_that_is_about_to_expire(make: MakeShop) -> None:
    brief, shop = make(job_ttl_s=0.3), make()
    image = brief.put(0)
    made = shop.sets.create("ada", "")
    shop.sets.add("ada", made.id, [image])
    time.sleep(0.4)
    shop.sweep_later()
    assert shop.images.read("ada", image) == b"pixels 0"
    assert shop.images.get("ada", image).expires_ms >= shop.sets.get("ada", made.id).expires_ms


def test_no_other_use_or_upload_shortens_the_life_of_an_image_in_a_set(
    make: MakeShop,
) -> None:
    brief, shop = make(job_ttl_s=0.3), make()
    set_id = shop.filled(0)
    image = brief.put(0)
    brief.images.use("ada", image)
    shorter = brief.sets.create("ada", "")
    brief.sets.add("ada", shorter.id, [image])
    brief.sets.use("ada", shorter.id)
    time.sleep(0.4)
    shop.sweep_later()
    assert shop.images.get("ada", image).expires_ms >= shop.sets.get("ada", set_id).expires_ms
    assert shop.images.read("ada", image) == b"pixels 0"


def test_a_use_extends_the_life_of_the_set_and_its_images(make: MakeShop) -> None:
    shop = make(job_ttl_s=1)
    set_id = shop.filled(*range(5))
    shop.sets.keep("ada", set_id, "index", b"numbers")
    end = time.monotonic() + 2.5
    while time.monotonic() < end:
        before_s, before_us = shop.redis.time()
        used = shop.sets.use("ada", set_id)
        assert used.expires_ms >= before_s * 1000 + before_us // 1000 + 1000
        for member in shop.sets.members("ada", set_id, 0, 9):
            assert shop.images.get("ada", member).expires_ms >= used.expires_ms
        shop.reconciler.sweep()
        time.sleep(0.1)
    assert shop.sets.kept("ada", set_id, "index") == b"numbers"


def test_few_of_many_uses_extend_the_life_of_a_set(shop: Shop) -> None:
    set_id = shop.filled(0, 1)
    expiries = {shop.sets.use("ada", set_id).expires_ms for _ in range(20)}
    assert len(expiries) == 1


def test_adding_extends_the_life_of_the_set_and_its_images(make: MakeShop) -> None:
    shop = make(job_ttl_s=0.6)
    set_id = shop.filled(0)
    for number in range(1, 6):
        time.sleep(0.3)
        now = shop.sets.add("ada", set_id, [shop.put(number)])
    assert now.images == 6
    for number in range(6):
        image = shop.sets.members("ada", set_id, number, number + 1)[0]
        assert shop.images.get("ada", image).expires_ms >= now.expires_ms


def test_an_expired_set_is_deleted_with_its_folder_and_then_its_images(make: MakeShop) -> None:
    shop = make(job_ttl_s=0.2)
    set_id = shop.filled(0, 1)
    shop.sets.keep("ada", set_id, "index/layer", b"numbers")
    time.sleep(0.4)
    with pytest.raises(NotFound):
        shop.sets.get("ada", set_id)
    assert shop.sets.page("ada", None, 9) == []
    shop.sweep_later()
    assert shop.files.keys("sets/") == shop.files.keys("images/") == []
    wait_until(lambda: list(shop.redis.scan_iter("*")) == [])


def test_a_deleted_set_is_gone_at_once_and_leaves_images_of_other_sets(shop: Shop) -> None:
    mine, other = shop.filled(0, 1), shop.filled(1)
    shop.sets.keep("ada", mine, "index", b"numbers")
    shop.sets.delete("ada", mine)
    assert shop.files.keys("sets/") == []
    assert shop.sets.members("ada", other, 0, 9) == [shop.put(1)]
    with pytest.raises(NotFound):
        shop.sets.use("ada", mine)
    shop.sweep_later()
    assert not [key for key in shop.redis.scan_iter("*") if mine in key]
    assert not [
        member for member in shop.redis.zrange("retinoscope:expiring", 0, -1) if mine in member
    ]


def test_a_file_stored_after_the_deletion_is_deleted_too(shop: Shop) -> None:
    set_id = shop.filled(0)

    class Slow(ArtifactStore):
        def put(self, key: str, data: bytes) -> None:
            shop.sets.delete("ada", set_id)
            super().put(key, data)

    slow = ImageSetStore(
        shop.redis, Slow(shop.settings.artifacts_location), shop.images, shop.settings
    )
    with pytest.raises(NotFound):
        slow.keep("ada", set_id, "index", b"numbers")
    assert shop.files.keys("sets/") == []


def test_a_file_whose_writer_died_after_the_deletion_is_swept(shop: Shop) -> None:
    set_id = shop.filled(0)
    shop.sets.delete("ada", set_id)
    shop.reconciler.sweep()
    shop.files.put(f"sets/ada/{set_id}/index", b"numbers")
    shop.sweep_later()
    assert shop.files.keys("sets/") == []


@pytest.mark.parametrize("name", ["../other", "a/../../b", "", "a//b", "."])
def test_a_kept_file_stays_in_the_folder_of_its_set(shop: Shop, name: str) -> None:
    set_id = shop.filled(0)
    with pytest.raises(ValueError, match="file name"):
        shop.sets.keep("ada", set_id, name, b"")


def test_every_key_expires(shop: Shop) -> None:
    set_id = shop.filled(0, 1)
    shop.sets.use("ada", set_id)
    shop.sets.create("bob", "")
    keys = list(shop.redis.scan_iter("*"))
    assert len(keys) >= 6
    assert [key for key in keys if shop.redis.pttl(key) < 0] == []


def test_the_sweep_never_deletes_bytes_that_were_stored_again(make: MakeShop) -> None:
    """An upload of the same image waits for the deletion, and a set of it then has the bytes."""
    shop = make(job_ttl_s=0.2)
    image = shop.put(0)
    time.sleep(0.3)
    deleting, go_on = threading.Event(), threading.Event()

    class Slow(ArtifactStore):
        def delete(self, key: str) -> None:
            deleting.set()
            go_on.wait(10)
            super().delete(key)

    longer = make()
    sweeper = ImageStore(shop.redis, Slow(shop.settings.artifacts_location), shop.settings)
    shop.redis.zadd("retinoscope:expiring", {"image:ada:" + image.removeprefix("sha256:"): 1})
    with ThreadPoolExecutor(2) as pool:
        sweep = pool.submit(sweeper.delete_expired, "ada:" + image.removeprefix("sha256:"))
        assert deleting.wait(10)
        upload = pool.submit(longer.filled, 0)
        time.sleep(0.1)
        go_on.set()
        sweep.result()
        set_id = upload.result()
    assert longer.sets.members("ada", set_id, 0, 1) == [image]
    assert longer.images.read("ada", image) == b"pixels 0"
    longer.reconciler.sweep()
    assert longer.images.read("ada", image) == b"pixels 0"


def test_a_set_of_ten_thousand_images_is_kept_whole(make: MakeShop) -> None:
    """The first and the last image live as long as the set, which is extended in batches."""
    shop = make()
    pipe = shop.redis.pipeline()
    ids = [f"sha256:{number:064x}" for number in range(10_000)]
    for image in ids:
        pipe.set(
            f"retinoscope:owner:ada:image:{image.removeprefix('sha256:')}",
            '{"bytes": 3}',
            px=600_000,
        )
    pipe.execute()
    made = shop.sets.create("ada", "")
    assert shop.sets.add("ada", made.id, ids).images == 10_000
    shop.redis.hset(f"retinoscope:owner:ada:set:{made.id}", "expires_ms", made.created_ms + 1000)
    used = shop.sets.use("ada", made.id)
    assert shop.sets.members("ada", made.id, 0, 10_000) == ids
    for image in (ids[0], ids[999], ids[1000], ids[-1]):
        digest = image.removeprefix("sha256:")
        assert (
            shop.redis.zscore("retinoscope:expiring", f"image:ada:{digest}")
            >= used.expires_ms + GRACE_MS
        )
