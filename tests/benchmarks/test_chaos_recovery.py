"""From the events of a job and the times of the kills to the times of its recoveries."""

import math

from benchmarks.chaos.recovery import percentile, recoveries

KILLED_ONCE = [
    (0, "queued", 0),
    (100, "running", 1),
    (250, "", 0),
    (3400, "queued", 1),
    (3500, "running", 2),
]


def test_the_recovery_time_starts_at_the_kill() -> None:
    assert recoveries(KILLED_ONCE, [300]) == [(3100, 3200)]


def test_the_earliest_kill_that_can_have_ended_the_attempt_counts() -> None:
    assert recoveries(KILLED_ONCE, [3000, 1000, 200, 3450]) == [(2400, 2500)]


def test_an_end_without_a_kill_does_not_count() -> None:
    assert recoveries(KILLED_ONCE, [50, 200, 3450]) == []
    assert recoveries(KILLED_ONCE[:3], [300]) == []


def test_every_death_of_a_job_counts() -> None:
    twice = [
        *KILLED_ONCE,
        (3600, "", 0),
        (7000, "queued", 2),
        (8000, "running", 3),
        (9000, "succeeded", 3),
    ]
    assert recoveries(twice, [300, 3700]) == [(3100, 3200), (3300, 4300)]


def test_percentiles_are_values_that_were_seen() -> None:
    assert percentile([5, 1, 3], 0.5) == 3
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([7], 0.99) == 7
    assert math.isnan(percentile([], 0.5))
