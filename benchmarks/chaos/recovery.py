"""How long after the death of its worker a job runs again. Pure."""

import math
from collections.abc import Iterable, Sequence

from benchmarks.chaos.evidence import Moment


def recoveries(moments: Sequence[Moment], kills_ms: Iterable[int]) -> list[tuple[int, int]]:
    """Milliseconds from a kill to the job queued and to it running again, for each attempt of one job so ended.

    An attempt lived at its last event; of the kills between that and its return to the queue the earliest counts, so
    that the time is never too short. Without a kill there (a toxic job, a pause) the attempt does not count.
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
    """The value that so large a share does not exceed (nearest rank)."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(share * len(ordered)) - 1)] if ordered else math.nan
