"""Every way in which a job can fail has a stable code and a sentence without internals."""

import pytest
import torch

from catalog.errors import UnknownLayer
from jobs.errors import NotFound
from workers.failures import job_error
from workers.models.errors import WeightsUnavailable
from workers.toolkit.errors import NoRectifier, OutOfMemory

CASES = [
    (UnknownLayer("no layer x"), "unknown_layer", False),
    (WeightsUnavailable("no weights"), "weights_unavailable", True),
    (NoRectifier("no relu"), "no_relu", False),
    (NotFound("sha256:0"), "input_gone", False),
    (torch.OutOfMemoryError("cuda"), "model_out_of_memory", True),
    (OutOfMemory("Not even one image fits."), "model_out_of_memory", True),
    (
        RuntimeError("DefaultCPUAllocator: can't allocate memory: /secret"),
        "model_out_of_memory",
        True,
    ),
    (RuntimeError("/secret/path exploded"), "internal_error", True),
]


@pytest.mark.parametrize(("error", "code", "retryable"), CASES, ids=[code for _, code, _ in CASES])
def test_an_error_has_a_code_and_a_safe_sentence(
    error: Exception, code: str, retryable: bool
) -> None:
    said = job_error(error)
    assert (said.code, said.retryable) == (code, retryable)
    assert said.title and said.detail and "/secret" not in said.detail


def test_an_out_of_memory_error_says_what_to_lower() -> None:
    assert (
        "Lower `size` or `count`"
        in job_error(MemoryError(), {"size": 9, "count": 2, "steps": 9}).detail
    )
    assert (
        "smaller model" in job_error(OutOfMemory("Not even one image fits."), {"samples": 9}).detail
    )
