"""Figures of the GPUs that a worker may use."""

import pynvml
import pytest

from workers.gpu_figures import GpuMonitor, is_visible


def nvml() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    return True


@pytest.mark.skipif(nvml(), reason="this machine has NVML")
def test_without_nvml_there_are_none() -> None:
    assert GpuMonitor().read() == []


@pytest.mark.skipif(not nvml(), reason="this machine has no NVML")
def test_a_gpu_tells_its_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    (gpu,) = GpuMonitor().read()
    assert gpu.index == 0 and gpu.name != "unknown"
    assert gpu.memory_bytes is not None and gpu.memory_limit_bytes is not None
    assert 0 <= gpu.memory_bytes <= gpu.memory_limit_bytes
    assert gpu.utilization is None or 0 <= gpu.utilization <= 1


@pytest.mark.parametrize(
    ("visible", "seen"),
    [
        (None, [0, 1, 2]),
        ("", []),
        ("1", [1]),
        ("2, 0", [0, 2]),
        ("-1", []),
        ("0,-1,2", [0]),
        ("GPU-bb", [1]),
        ("GPU-aa,2", [0, 2]),
        ("MIG-1", []),
    ],
)
def test_only_visible_gpus_are_read(visible: str | None, seen: list[int]) -> None:
    uuids = ["GPU-aa11", "GPU-bb22", "GPU-cc33"]
    assert [i for i, uuid in enumerate(uuids) if is_visible(i, uuid, visible)] == seen
