"""The count of a chaos run sees every way in which a job can go wrong."""

from dataclasses import replace

import pytest

from benchmarks.chaos.clients import Told
from benchmarks.chaos.count import count
from benchmarks.chaos.evidence import Evidence, Seen
from benchmarks.chaos.forms import SHORT
from benchmarks.chaos.mix import wishes
from benchmarks.chaos.ours import Outcome
from benchmarks.chaos.stock import count as stock_count
from benchmarks.chaos.strikes import schedule

DONE = Seen(
    "succeeded", "2026-01-01T00:00:01Z", 1, "", (("heatmap.png", "sha256:1", "/heatmap.png"),)
)
CANCELED = Seen("canceled", "2026-01-01T00:00:01Z", 1, "", ())
POISONED = Seen("failed", "2026-01-01T00:00:01Z", 3, "poisoned", ())
MOMENTS = ((1, "queued", 0), (2, "running", 1), (3, "", 0), (4, "succeeded", 1))
GOOD = Evidence("a", "fast", DONE, DONE, MOMENTS)

WRONG = {
    "no record any more": (replace(GOOD, last=None), "lost"),
    "never seen and no record": (replace(GOOD, first=None, last=None), "lost"),
    "still running": (
        replace(GOOD, first=None, last=replace(DONE, status="running", finished_at=None)),
        "left",
    ),
    "still queued": (
        replace(GOOD, first=None, last=replace(DONE, status="queued", finished_at=None)),
        "left",
    ),
    "two ends in the stream": (replace(GOOD, moments=(*MOMENTS, (5, "succeeded", 2))), "twice"),
    "ended at another time": (
        replace(GOOD, last=replace(DONE, finished_at="2026-01-01T00:00:09Z")),
        "twice",
    ),
    "ended otherwise": (replace(GOOD, kind="canceled", last=CANCELED), "twice"),
    "other files than before": (
        replace(GOOD, last=replace(DONE, artifacts=(("a", "sha256:2", "/a"),))),
        "twice",
    ),
    "ran on after its end": (replace(GOOD, last=replace(DONE, status="running")), "twice"),
    "a file is gone": (replace(GOOD, bad_files=("heatmap.png",)), "without_artifacts"),
    "poisoned though harmless": (replace(GOOD, first=POISONED, last=POISONED), "poisoned_wrongly"),
    "toxic, and yet it ended": (replace(GOOD, kind="toxic"), "toxic_unpoisoned"),
    "canceled by nobody": (replace(GOOD, first=CANCELED, last=CANCELED), "canceled_unasked"),
    "succeeded after an accepted cancel": (
        replace(GOOD, kind="canceled", stop=True),
        "canceled_in_vain",
    ),
    "failed": (replace(GOOD, first=None, last=replace(POISONED, error="internal_error")), "failed"),
}


def test_jobs_that_went_well_break_nothing() -> None:
    toxic = replace(GOOD, job_id="b", kind="toxic", first=POISONED, last=POISONED, moments=())
    canceled = replace(GOOD, job_id="c", kind="canceled", first=CANCELED, last=CANCELED, moments=())
    too_late = replace(GOOD, job_id="d", kind="canceled")
    tally = count([GOOD, toxic, canceled, too_late])
    assert tally.broken == {}
    assert tally.accepted == tally.finished_once == 4
    assert tally.restarted == 2


@pytest.mark.parametrize("name", WRONG)
def test_each_thing_that_went_wrong_is_named(name: str) -> None:
    item, verdict = WRONG[name]
    assert count([item]).broken[verdict] == ["a"]


def test_a_job_that_no_client_knows_of_is_one_too_many() -> None:
    assert count([replace(GOOD, kind=None, first=None)]).broken == {"untold": ["a"]}
    running = replace(GOOD, kind=None, first=None, last=replace(DONE, status="running"))
    assert count([running]).broken == {"left": ["a"], "untold": ["a"]}


def test_for_plain_celery_only_the_notes_of_the_tasks_count() -> None:
    twice = ["start 3", "end 3"] * 2
    notes = [
        "start 1",
        "end 1",
        "start 2",
        *twice,
        "start 4",
        "start 4",
        "end 4",
        "start 5",
        "start 6",
    ]
    tally = stock_count(
        {1: "fast", 2: "slow", 3: "fast", 4: "slow", 5: "toxic", 6: "canceled", 7: "fast"}, notes
    )
    assert (tally.lost, tally.twice, tally.started_again, tally.toxic_starts) == (
        [2, 7],
        [3],
        [3, 4],
        1,
    )


def test_the_same_seed_gives_the_same_jobs_and_strikes() -> None:
    assert wishes(SHORT, 5) == wishes(SHORT, 5) != wishes(SHORT, 6)
    assert schedule(SHORT, 5) == schedule(SHORT, 5) != schedule(SHORT, 6)
    assert len(wishes(SHORT, 5)) == SHORT.jobs
    assert {wish.kind for wish in wishes(SHORT, 5)} == {"fast", "slow", "toxic", "canceled"}
    seeds = {wish.fields["seed"] for wish in wishes(SHORT, 5)}
    assert SHORT.jobs * 0.8 < len(seeds) < SHORT.jobs  # the others are twins
    assert schedule(SHORT, 5).count("worker") == SHORT.worker_kills


def test_a_server_that_stops_accepting_is_noticed() -> None:
    told = Told(accepted={str(number): wish for number, wish in enumerate(wishes(SHORT, 1)[1:])})
    assert Outcome(SHORT, 1, told).broken == {"never accepted": ["jobs"]}
