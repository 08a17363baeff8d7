"""How long after its worker's death a job runs again. Pure functions of the evidence."""

import math
from collections.abc import Iterable, Sequence

from benchmarks.chaos.evidence import Moment


def recoveries(moments: Sequence[Moment], kills_ms: Iterable[int]) -> list[tuple[int, int]]:
    """Return milliseconds from a kill until the job was queued, and until it ran again.

    There is a pair for each attempt of the job that a kill ended. An attempt was alive at its last
    event. Of the kills between that and its return to the queue the earliest counts, so that the
    time is never too short. An attempt without such a kill (a toxic job, a pause) does not count.
    """
    kills = sorted(kills_ms)
    found = []
    for number, (again_ms, status, attempt) in enumerate(moments):
        if status != "running" or attempt < 2:
            continue
        queued = max((i for i in range(number) if moments[i][1] == "queued"), default=0)
        if queued == 0:
            continue
        alive_ms, queued_ms = moments[queued - 1][0], moments[queued][0]
        killed = next((ms for ms in kills if alive_ms <= ms <= queued_ms), None)
        if killed is not None:
            found.append((queued_ms - killed, again_ms - killed))
    return found


def percentile(values: Sequence[float], share: float) -> float:
    """Return the value that this share of the values does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
