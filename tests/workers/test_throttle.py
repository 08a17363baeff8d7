"""A throttle limits how often an expensive operation runs."""

import time

import pytest

from tests.wait import wait_until
from workers.throttle import Throttle


def test_the_operation_is_due_at_once_or_after_the_first_pause() -> None:
    assert Throttle(3600, at_once=True).due
    assert not Throttle(3600, at_once=False).due


def test_a_new_pause_begins_after_the_operation() -> None:
    throttle = Throttle(3600, at_once=True)
    with throttle.measured():
        pass
    assert not throttle.due


def test_the_operation_takes_at_most_a_tenth_of_the_time() -> None:
    throttle = Throttle(0, at_once=True)
    with throttle.measured():
        began = time.monotonic()
        time.sleep(0.03)
        took = time.monotonic() - began
    ended = time.monotonic()
    wait_until(lambda: throttle.due)
    assert time.monotonic() - ended >= 9.9 * took


def test_an_operation_that_fails_is_measured_too() -> None:
    throttle = Throttle(3600, at_once=True)
    with pytest.raises(ValueError, match="no"), throttle.measured():
        raise ValueError("no")
    assert not throttle.due
