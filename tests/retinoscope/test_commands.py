"""The environment of the API: how it frees memory."""

import psutil
import pytest

from retinoscope.commands import api_environment
from retinoscope.stack import Stack

THRESHOLDS = {"MALLOC_MMAP_THRESHOLD_": "131072", "MALLOC_TRIM_THRESHOLD_": "131072"}


def test_the_api_of_the_stack_gives_freed_memory_back_and_workers_keep_it(stack: Stack) -> None:
    for child in stack.children:
        seen = psutil.Process(child.pid).environ().items()
        assert (THRESHOLDS.items() <= seen) == (child.name in ("api", "deliver")), child.name


def test_what_is_set_already_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    assert api_environment() == THRESHOLDS
    monkeypatch.setenv("MALLOC_TRIM_THRESHOLD_", "1000")
    assert api_environment() == {"MALLOC_MMAP_THRESHOLD_": "131072"}
