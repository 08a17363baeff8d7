"""Images are read in a few threads, within a number of bytes, one file at a time."""

import gc
import threading
import tracemalloc

import anyio
import httpx
import pytest

from jobs.api_keys import LOCAL_OWNER
from jobs.settings import MEGABYTE, Settings
from service.intake import Intake
from service.problems import Problem
from service.uploads.image_validation import validate_image
from tests.service.asking import refused
from tests.service.conftest import Serve
from tests.service.pictures import plain
from tests.service.test_image_sets import counts, make, picture
from tests.service.zipped import one_member, zipped
from tests.wait import wait_until


class Worker(threading.Thread):
    """A thread that holds bytes until it is let go."""

    def __init__(self, intake: Intake, count: int, owner: str = LOCAL_OWNER) -> None:
        super().__init__(daemon=True)
        self.holds, self.go = threading.Event(), threading.Event()
        self._intake, self._count, self._owner = intake, count, owner
        self.start()

    def run(self) -> None:
        with self._intake.holding(self._owner, self._count):
            self.holds.set()
            self.go.wait(20)


def waiting(intake: Intake) -> int:
    return len(intake._waiting)


def test_what_is_held_never_exceeds_the_bytes() -> None:
    intake = Intake(8, 100)
    first, second = Worker(intake, 60), Worker(intake, 60)
    wait_until(lambda: waiting(intake) == 1)
    holder, waiter = (first, second) if first.holds.is_set() else (second, first)
    assert holder.holds.is_set() and not waiter.holds.is_set()
    holder.go.set()
    assert waiter.holds.wait(10)
    waiter.go.set()


def test_a_large_image_is_not_overtaken_for_ever_and_is_alone() -> None:
    intake = Intake(8, 100)
    small = Worker(intake, 10)
    assert small.holds.wait(10)
    huge = Worker(intake, 10_000)
    wait_until(lambda: waiting(intake) == 1)
    later = Worker(intake, 10)
    wait_until(lambda: waiting(intake) == 2)
    assert not later.holds.is_set()
    small.go.set()
    assert huge.holds.wait(10) and not later.holds.is_set()
    huge.go.set()
    assert later.holds.wait(10)
    later.go.set()


def test_the_images_of_an_owner_leave_bytes_to_the_others() -> None:
    intake = Intake(8, 100)
    first = Worker(intake, 40, "ada")
    assert first.holds.wait(10)
    second, third = Worker(intake, 20, "ada"), Worker(intake, 5, "ada")
    wait_until(lambda: waiting(intake) == 2)
    other = Worker(intake, 50, "bob")
    assert other.holds.wait(10)
    assert not second.holds.is_set() and not third.holds.is_set()
    for worker in (first, second, third):
        worker.go.set()
        assert worker.holds.wait(10)
    other.go.set()


def test_an_image_above_the_share_of_its_owner_is_read_when_they_have_no_other() -> None:
    intake = Intake(8, 100)
    small, large = Worker(intake, 10, "ada"), Worker(intake, 90, "ada")
    assert small.holds.wait(10) and not large.holds.is_set()
    later = Worker(intake, 90, "bob")
    assert later.holds.wait(10)
    later.go.set()
    small.go.set()
    assert large.holds.wait(10)
    large.go.set()


def test_whoever_waits_too_long_for_bytes_is_told_so_and_holds_up_nobody() -> None:
    intake = Intake(8, 100, patience_s=0.2)
    holder = Worker(intake, 60)
    assert holder.holds.wait(10)
    with pytest.raises(Problem) as refused, intake.holding(LOCAL_OWNER, 60):
        raise AssertionError
    assert refused.value.code == "intake_full" and waiting(intake) == 0
    with intake.holding(LOCAL_OWNER, 40):
        holder.go.set()


def test_an_error_in_the_block_gives_the_bytes_back() -> None:
    intake = Intake(8, 100)
    for _ in range(3):
        with pytest.raises(ValueError, match="damaged"), intake.holding("ada", 100):
            raise ValueError("damaged")


def test_no_more_threads_than_were_allowed_run_at_once() -> None:
    running, most = [0], [0]
    lock = threading.Lock()

    def work() -> None:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        threading.Event().wait(0.02)
        with lock:
            running[0] -= 1

    async def main() -> None:
        intake = Intake(6, 100)
        async with anyio.create_task_group() as group:
            for _ in range(12):
                group.start_soon(intake.run, "ada", work)

    anyio.run(main)
    assert most[0] == 3


def test_the_pixels_are_counted_before_they_are_decoded() -> None:
    asked: list[int] = []
    intake = Intake(1, MEGABYTE)

    def holding(count: int) -> object:
        asked.append(count)
        return intake.holding("ada", count)

    validate_image(plain(60, 40), Settings(), holding)
    assert asked == [8 * 60 * 40]
    with pytest.raises(Problem, match="limit"):
        validate_image(plain(60, 40), Settings(max_pixels=1024), holding)
    assert len(asked) == 1


def test_a_zip_of_large_entries_holds_one_at_a_time(own: httpx.Client) -> None:
    """40 KB with 30 entries over one member of 31 MB, none of them an image."""
    archive = one_member(entries=30, megabytes=31)
    assert len(archive) < 60_000
    gc.collect()
    gc.disable()
    tracemalloc.start()
    try:
        refused(own.post("/v1/image-sets", files={"zip": archive}), 422, "no_image_added")
        left, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        gc.enable()
    assert peak < 130 * MEGABYTE
    assert left < 31 * MEGABYTE


def test_one_thread_and_few_bytes_are_enough(serve: Serve, settings: Settings) -> None:
    few = {"intake_threads": 1, "max_decoding_bytes": 1024}
    client = serve(settings.model_copy(update=few))
    files = {f"{number}.png": picture(number) for number in range(20)}
    assert counts(make(client, files={"zip": zipped(files)})) == (20, 20, 0, 0)


def test_one_owner_leaves_threads_to_the_others() -> None:
    async def scene() -> None:
        intake, go = Intake(4, 100), threading.Event()
        started: list[str] = []

        def work(owner: str) -> None:
            started.append(owner)
            assert go.wait(20)

        async with anyio.create_task_group() as group:
            for _ in range(10):
                group.start_soon(intake.run, "many", work, "many")
            await anyio.sleep(0.2)
            group.start_soon(intake.run, "one", work, "one")
            with anyio.fail_after(10):
                while "one" not in started:
                    await anyio.sleep(0.01)
            assert started == ["many", "many", "one"]
            go.set()
        assert started.count("many") == 10 and intake._owners == {}

    anyio.run(scene)


def test_who_waits_too_long_is_told_so() -> None:
    async def scene() -> None:
        intake, go = Intake(2, 100, patience_s=0.1), threading.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(intake.run, "ada", go.wait, 20)
            await anyio.sleep(0.05)
            with pytest.raises(Problem) as refused:
                await intake.run("ada", go.wait)
            assert refused.value.code == "intake_full"
            go.set()
        assert await intake.run("ada", int, "7") == 7 and intake._owners == {}

    anyio.run(scene)
