"""The counts as a Markdown table."""

from collections import Counter

from benchmarks.chaos.ours import Outcome
from benchmarks.chaos.recovery import percentile
from benchmarks.chaos.stock import StockTally


def table(outcome: Outcome) -> str:
    """Return a table of two columns: what was counted, and the count."""
    return _rendered(_told(outcome) + _ended(outcome) + _left(outcome) + _struck(outcome))


def stock_table(tally: StockTally) -> str:
    """Return the rows that exist without records, events and files."""
    kinds = Counter(strike.kind for strike in tally.strikes)
    return _rendered(
        [
            ("jobs accepted", tally.accepted),
            ("posts refused, and sent again", tally.refused),
            ("**lost**", len(tally.lost)),
            ("messages held back for an hour (lost above, or canceled)", tally.unacknowledged),
            ("**finished twice**", len(tally.twice)),
            ("started more than once", len(tally.started_again)),
            ("starts of toxic jobs", tally.toxic_starts),
            ("SIGKILL of a worker, of Redis", f"{kinds['worker']}, {kinds['redis']}"),
            ("workers stopped for two leases", kinds["pause"]),
            ("processes restarted", tally.process_restarts),
            ("seconds", round(tally.seconds)),
        ]
    )


def _rendered(rows: list[tuple[str, object]]) -> str:
    return "\n".join(
        ["| | |", "| --- | ---: |", *(f"| {name} | {value} |" for name, value in rows)]
    )


def _told(outcome: Outcome) -> list[tuple[str, object]]:
    told = outcome.told
    refused = _codes(told.refused)
    return [
        ("jobs accepted", len(told.accepted)),
        ("posts refused, and sent again", refused),
        ("posts whose answer was lost, and sent again with their key", told.unknown),
        ("second jobs of such posts", len(outcome.tally.untold)),
    ]


def _ended(outcome: Outcome) -> list[tuple[str, object]]:
    tally = outcome.tally
    return [
        ("**lost**", len(tally.lost)),
        ("**finished twice**", len(tally.twice)),
        ("left queued or running", len(tally.left)),
        ("finished once", tally.finished_once),
        ("of these succeeded", len(tally.succeeded)),
        ("canceled", len(tally.canceled)),
        ("poisoned: the toxic ones", len(tally.poisoned) - len(tally.poisoned_wrongly)),
        ("poisoned though not toxic", len(tally.poisoned_wrongly)),
        ("succeeded though a cancel was accepted", len(tally.canceled_in_vain)),
        ("failed for another reason", _codes(tally.failures)),
        ("attempts beyond the first", tally.restarted),
    ]


def _left(outcome: Outcome) -> list[tuple[str, object]]:
    return [
        ("results with a file missing or changed", len(outcome.tally.without_artifacts)),
        ("files without a job", len(outcome.ownerless_files)),
        ("files of dead attempts, kept until the job expires", len(outcome.unnamed_files)),
        ("messages left in the broker: hints of jobs that have ended", outcome.messages),
        ("keys without expiry", len(outcome.eternal_keys)),
        (
            "keys, files left after expiry",
            f"{len(outcome.expired.keys)}, {len(outcome.expired.files)}",
        ),
    ]


def _struck(outcome: Outcome) -> list[tuple[str, object]]:
    kinds = Counter(strike.kind for strike in outcome.strikes)
    queued, running = ([pair[end] for pair in outcome.recovery_ms] for end in (0, 1))
    return [
        (
            "SIGKILL of a worker, of Redis, of the API",
            f"{kinds['worker']}, {kinds['redis']}, {kinds['api']}",
        ),
        ("workers stopped for two leases", kinds["pause"]),
        ("processes restarted", outcome.process_restarts),
        (
            f"kill of a worker to its job queued again, p50, p99 of {len(outcome.recovery_ms)}",
            _spread(queued),
        ),
        ("… to the same job running again, the wait for a free worker included", _spread(running)),
        ("seconds", round(outcome.seconds)),
    ]


def _codes(counts: Counter[str]) -> str:
    return ", ".join(f"{code} {number}" for code, number in sorted(counts.items())) or "0"


def _spread(times_ms: list[int]) -> str:
    return ", ".join(f"{percentile(times_ms, share) / 1000:.1f} s" for share in (0.5, 0.99))
