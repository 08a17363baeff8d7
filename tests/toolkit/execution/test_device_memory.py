"""Free memory of a device, and the errors that say that it ran out."""

from pathlib import Path

import pytest
import torch

from workers.toolkit.execution import device_memory
from workers.toolkit.execution.device_memory import free_bytes, is_out_of_memory


def test_a_container_s_limit_counts(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("400000\n")
    monkeypatch.setattr(device_memory, "_CGROUP", tmp_path)
    assert free_bytes(torch.device("cpu")) == 600_000
    (tmp_path / "memory.max").write_text("max\n")
    assert free_bytes(torch.device("cpu")) > 600_000


@pytest.mark.parametrize(
    ("error", "means"),
    [
        (torch.OutOfMemoryError("CUDA out of memory."), True),
        (MemoryError(), True),
        (
            RuntimeError(
                "[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory"
            ),
            True,
        ),
        (RuntimeError("not enough memory: you tried to allocate 1 bytes."), True),
        (RuntimeError("CUDA error: an illegal memory access was encountered"), False),
        (ValueError("not enough memory"), False),
    ],
)
def test_out_of_memory_is_told_from_other_errors(error: Exception, means: bool) -> None:
    assert is_out_of_memory(error) is means
