"""Time contenders that take turns in one process, so that other load hits them all."""

import time
from collections.abc import Callable, Mapping
from statistics import median

import torch

Work = Callable[[], object]
# In seconds. On a busy machine it is the processor time of this process.
Clock = Callable[[], float]


def medians(
    contenders: Mapping[str, Work],
    runs: int,
    device: torch.device,
    clock: Clock = time.perf_counter,
) -> dict[str, float]:
    """Return the median seconds of each, after one round that is not counted."""
    taken: dict[str, list[float]] = {name: [] for name in contenders}
    for turn in range(runs + 1):
        for name, work in contenders.items():
            seconds = _seconds(work, device, clock)
            if turn:
                taken[name].append(seconds)
    return {name: median(seconds) for name, seconds in taken.items()}


def best(
    settings: Mapping[str, Work], device: torch.device, clock: Clock = time.perf_counter
) -> str:
    """Return the setting with the shortest of two runs."""
    if len(settings) == 1:
        return next(iter(settings))
    return min(
        settings, key=lambda name: min(_seconds(settings[name], device, clock) for _ in range(2))
    )


def _seconds(work: Work, device: torch.device, clock: Clock) -> float:
    _wait(device)
    began = clock()
    work()
    _wait(device)
    return clock() - began


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
