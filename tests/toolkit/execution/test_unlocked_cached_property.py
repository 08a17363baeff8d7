"""Computed once for each instance, and instances do not wait for each other."""

import threading
from concurrent.futures import ThreadPoolExecutor

from workers.toolkit.execution.unlocked_cached_property import unlocked_cached_property


class Counted:
    """Its value waits until every party of the barrier computes."""

    def __init__(self, barrier: threading.Barrier) -> None:
        self.barrier, self.calls = barrier, 0

    @unlocked_cached_property
    def value(self) -> int:
        """Documented."""
        self.calls += 1
        self.barrier.wait(20)
        return 5


def test_it_is_computed_once() -> None:
    counted = Counted(threading.Barrier(1))
    assert (counted.value, counted.value, counted.calls) == (5, 5, 1)
    assert Counted.value.__doc__ == "Documented."


def test_two_instances_compute_at_the_same_time() -> None:
    barrier = threading.Barrier(2)
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(lambda one: one.value, [Counted(barrier), Counted(barrier)])) == [
            5,
            5,
        ]
