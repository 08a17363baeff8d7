"""Whole networks incrementally and from whole images, in single and double precision.

The comparison notices a window that is one pixel short.
"""

import copy
from collections.abc import Callable

import numpy as np
import pytest
import torch
import torchvision
from torch import nn

from catalog.models import DEFAULT_MODEL, find_model
from tests.tiny import seeded, tiny_model
from tests.toolkit.networks import noise, sandwich
from tests.toolkit.occlusion.comparing import Both, calibrated
from workers.models.load import load_model
from workers.toolkit.network.network import Network
from workers.toolkit.occlusion.cost import position_bytes
from workers.toolkit.occlusion.grid import rectangles
from workers.toolkit.occlusion.intervals import Taps
from workers.toolkit.occlusion.occluder import CleanPass, Occluder
from workers.toolkit.occlusion.plan import Plan

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "resnet18": lambda: torchvision.models.resnet18(),
    "mobilenet_v2": lambda: torchvision.models.mobilenet_v2(),
    "squeezenet1_1": lambda: torchvision.models.squeezenet1_1(),
    "densenet121": lambda: torchvision.models.densenet121(),
    "mobilenet_v3_small": lambda: torchvision.models.mobilenet_v3_small(),
}
SOME = [
    (0, 0, 9, 9),
    (40, 8, 49, 17),
    (87, 87, 96, 96),
    (60, 3, 90, 10),
    (30, 50, 31, 51),
    (16, 80, 33, 96),
]


@pytest.mark.parametrize("name", NETWORKS)
def test_published_networks_give_the_same_to_nine_digits(name: str) -> None:
    both = Both(calibrated(seeded(NETWORKS[name]).double(), 96), SOME, side=96, most=3)
    both.assert_equal()
    assert len(both.understood) > 3


@pytest.fixture(scope="module")
def lite0() -> nn.Module:
    """The default model with its weights."""
    return load_model(find_model(DEFAULT_MODEL), torch.device("cpu")).network.module


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize(
    ("dtype", "within"), [(torch.float64, 1e-9), (torch.float32, 1e-5)], ids=str
)
def test_the_default_model(
    lite0: nn.Module, dtype: torch.dtype, within: float, folded: bool
) -> None:
    patches = rectangles(224, 224, 60, 41)[::3]
    both = Both(copy.deepcopy(lite0).to(dtype), patches, side=224, most=5, folded=folded)
    largest = float(both.theirs.abs().max())
    both.assert_equal(within * max(largest, 1.0))
    assert both.understood >= {"pad", "conv2d", "hardtanh", "add"}
    assert ("batch_norm" in both.understood) != folded


@pytest.mark.parametrize("end", [0, 1])
def test_a_window_one_pixel_short_is_seen(monkeypatch: pytest.MonkeyPatch, end: int) -> None:
    exact = Taps.dirty

    def short(self: Taps, spans: np.ndarray) -> np.ndarray:
        found = exact(self, spans)
        long = (found[:, 1] - found[:, 0] > 1) & (self.kernel > 1)
        found[:, end] += (1 - 2 * end) * long
        return found

    monkeypatch.setattr(Taps, "dirty", short)
    both = Both(tiny_model(double=True).network.module, rectangles(32, 32, 4, 3)[37:38])
    assert float((both.ours - both.theirs).abs().max()) > 1e-4


def test_every_patch_is_in_one_batch_and_no_batch_is_too_large() -> None:
    both = Both(tiny_model(double=True).network.module, rectangles(32, 32, 5, 2), most=10)
    assert sorted(np.concatenate(both.schedule.batches)) == list(
        range(len(rectangles(32, 32, 5, 2)))
    )
    assert max(len(batch) for batch in both.schedule.batches) <= 10


def test_windows_that_cover_nearly_all_are_whole_maps() -> None:
    both = Both(tiny_model(double=True).network.module, [(1, 1, 31, 31)])
    both.assert_equal()
    assert both.understood == set()
    assert both.schedule.speedup == 1.0


def test_the_multiplications_are_those_of_a_count_by_hand() -> None:
    """A patch of 5 × 5 pixels becomes 7 × 7 and 9 × 9 behind two 3 × 3 convolutions."""
    both = Both(sandwich(lambda s, x: s.second(x)).double(), [(10, 10, 15, 15)], "mark")
    first, second = 3 * 8 * 9, 8 * 8 * 9
    whole, ours = (first + second) * 32 * 32, first * 7 * 7 + second * 9 * 9
    assert both.schedule.speedup == pytest.approx(whole / ours)


def test_the_memory_foretold_is_more_than_what_a_batch_takes() -> None:
    """The test counts what torch allocates, on a network whose maps have one size."""
    module = sandwich(lambda s, x: s.second(s.relu(s.second(x)))).double()
    patches = rectangles(32, 32, 4, 4)
    network = Network(module, 3, 32, 32)
    x = noise(1).double()
    graph = network.part(("mark",))
    with torch.no_grad():
        clean = CleanPass(graph, x)
        plan = Plan(graph.graph, clean.values, patches)
        foretold = position_bytes(plan, clean.values, [np.arange(64)]) * 64
        occluder = Occluder(plan, clean, x[0] * 0)
        with torch.profiler.profile(profile_memory=True) as profile:
            occluder.outputs(np.arange(64))
    assert foretold / 8 < _peak(profile) <= foretold


def _peak(profile: torch.profiler.profile) -> int:
    """Return the most bytes held at once of those that were allocated within."""
    held, most = 0, 0
    for event in profile.profiler.kineto_results.events():  # type: ignore[union-attr]
        if event.name() == "[memory]":
            held += event.nbytes()
            most = max(most, held)
    return most
