"""How busy the GPUs of this worker are, by NVML, which needs no CUDA context of its own."""

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

import pynvml

from jobs.worker_reports import GpuFigures

log = logging.getLogger(__name__)

T = TypeVar("T")


class GpuMonitor:
    """Reads the GPUs that this process may use. Without NVML there are none."""

    def __init__(self) -> None:
        self._handles: list[tuple[int, Any]] = []
        try:
            pynvml.nvmlInit()
            self._handles = [
                (index, handle)
                for index in range(pynvml.nvmlDeviceGetCount())
                if _is_visible(index, handle := pynvml.nvmlDeviceGetHandleByIndex(index))
            ]
        except pynvml.NVMLError as error:
            log.info("no figures of GPUs: %s", error)

    def read(self) -> list[GpuFigures]:
        """Return the figures of each GPU."""
        return [_figures(index, handle) for index, handle in self._handles]


def is_visible(index: int, uuid: str, visible: str | None) -> bool:
    """Return whether CUDA_VISIBLE_DEVICES, or None where it is unset, names a GPU.

    It names GPUs by number or by the beginning of their UUID. CUDA ignores what follows the first
    part that names none.
    """
    if visible is None:
        return True
    for part in (part.strip() for part in visible.split(",")):
        if part.isdigit():
            if int(part) == index:
                return True
        elif not part.startswith("GPU-"):
            return False
        elif uuid.startswith(part):
            return True
    return False


def _is_visible(index: int, handle: Any) -> bool:
    uuid = str(pynvml.nvmlDeviceGetUUID(handle))
    return is_visible(index, uuid, os.environ.get("CUDA_VISIBLE_DEVICES"))


def _figures(index: int, handle: Any) -> GpuFigures:
    rates = _told(lambda: pynvml.nvmlDeviceGetUtilizationRates(handle))
    memory = _told(lambda: pynvml.nvmlDeviceGetMemoryInfo(handle))
    return GpuFigures(
        index,
        str(_told(lambda: pynvml.nvmlDeviceGetName(handle)) or "unknown"),
        rates.gpu / 100 if rates else None,
        memory.used if memory else None,
        memory.total if memory else None,
    )


def _told(ask: Callable[[], T]) -> T | None:
    """Return what NVML answers, or None: a slice of a GPU (MIG) has no utilization, for example."""
    with suppress(pynvml.NVMLError):
        return ask()
    return None
