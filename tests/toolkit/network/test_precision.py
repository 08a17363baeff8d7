"""Reduced precision is on where it was asked for, and nowhere else."""

from collections.abc import Iterator

import pytest
import torch

from jobs.settings import Settings
from tests.tiny import SIDE, TinyNetwork, seeded
from workers.runner import Runner
from workers.toolkit.network.network import Network
from workers.toolkit.network.precision import set_tf32, without_tf32


def flags() -> list[bool]:
    return [torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32]


@pytest.fixture(autouse=True)
def restored() -> Iterator[None]:
    before = flags()
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def test_without_it_for_a_while() -> None:
    set_tf32(True)
    with pytest.raises(ValueError), without_tf32():
        assert flags() == [False, False]
        raise ValueError
    assert flags() == [True, True]


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_a_worker_computes_as_its_settings_say(settings: Settings, precision: str) -> None:
    set_tf32(precision == "float32")
    Runner(settings.model_copy(update={"precision": precision}), lambda: False)
    assert flags() == [precision == "tf32"] * 2


def test_where_nothing_is_rounded_nothing_is_measured() -> None:
    set_tf32(True)
    network = Network(seeded(TinyNetwork), 3, SIDE, SIDE)
    assert network.measure_rounding() == 0 and network.passes == 0  # a CPU does not round
