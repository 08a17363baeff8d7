"""The scores under all patches, in their order, for every engine and little memory."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from tests.tiny import TinyNetwork, seeded
from tests.toolkit.networks import noise, sandwich
from tests.toolkit.occlusion.comparing import covered
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.network.network import LOGITS, Network
from workers.toolkit.occlusion import choose_engine as choice
from workers.toolkit.occlusion import plan_cache
from workers.toolkit.occlusion.choose_engine import choose_engine, dense_engine
from workers.toolkit.occlusion.engines import IncrementalEngine
from workers.toolkit.occlusion.grid import rectangles
from workers.toolkit.occlusion.patch_scores import PatchScores, patch_scores
from workers.toolkit.occlusion.request import OcclusionRequest
from workers.toolkit.occlusion.types import LEAST_SPEEDUP

PATCHES = [*rectangles(32, 32, 6, 5)[::-1], (3, 4, 30, 5), (0, 0, 1, 1)]
X, FILL = noise(1).double(), noise(1, seed=4)[0].double()

UNKNOWN: Callable[..., Tensor] = lambda s, x: s.second(x.flip(2))  # noqa: E731


class Stopped(Exception):
    pass


def found(
    module: nn.Module, path: str = LOGITS, context: LocalContext | None = None, stop_at: int = 10**9
) -> tuple[PatchScores, Tensor, list[tuple[int, int]]]:
    """Ours, those of whole images, and the progress."""
    network, told = Network(module.double(), 3, 32, 32), list[tuple[int, int]]()

    def progress(done: int, total: int, message: str) -> None:
        assert message == "patches"
        told.append((done, total))
        if len(told) > stop_at:
            raise Stopped

    def read(output: Tensor) -> Tensor:
        return output[:, 3].flatten(1).mean(1) if output.ndim > 2 else output[:, 3]

    request = OcclusionRequest(network, path, read, X, PATCHES, FILL)
    ours = patch_scores(request, ReplayLog(context), progress)
    with torch.no_grad():
        return ours, read(network.run(covered(X, PATCHES, FILL), path)), told


def test_scores_come_in_the_order_of_the_patches() -> None:
    ours, theirs, told = found(seeded(TinyNetwork))
    assert ours.engine == "incremental"
    assert ours.expected_speedup > LEAST_SPEEDUP
    torch.testing.assert_close(ours.scores, theirs, atol=1e-12, rtol=0)
    assert told[0] == (0, len(PATCHES)) and told[-1] == (len(PATCHES), len(PATCHES))
    assert told == sorted(told)


@pytest.mark.parametrize("path", ["conv3", "relu1", "head"])
def test_any_layer_can_be_read(path: str) -> None:
    ours, theirs, _ = found(seeded(TinyNetwork), path)
    torch.testing.assert_close(ours.scores, theirs, atol=1e-12, rtol=0)


def test_where_nothing_is_gained_whole_images_are_run() -> None:
    ours, theirs, _ = found(sandwich(UNKNOWN))
    assert (ours.engine, ours.expected_speedup) == ("dense", 1.0)
    torch.testing.assert_close(ours.scores, theirs, atol=1e-12, rtol=0)


@pytest.mark.parametrize("kind", [TinyNetwork, lambda: sandwich(UNKNOWN)])
def test_a_run_that_was_stopped_goes_on_to_the_same_bits(
    kind: Callable[[], nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plan_cache, "LARGEST_BATCH", 8)
    whole, _, told = found(seeded(kind), context=LocalContext())
    assert len(told) > 2
    stopped = LocalContext()
    with pytest.raises(Stopped):
        found(seeded(kind), context=stopped, stop_at=len(told) // 2)
    resumed, _, _ = found(seeded(kind), context=LocalContext(saved=stopped.saved))
    assert torch.equal(resumed.scores, whole.scores)


def test_little_memory_means_smaller_pieces_in_the_same_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was recorded on one machine must be right on another."""
    sizes: list[int] = []
    outputs = IncrementalEngine.scores

    def counted(self: IncrementalEngine, positions: object) -> Tensor:
        sizes.append(len(positions))  # type: ignore[arg-type]
        return outputs(self, positions)  # type: ignore[arg-type]

    monkeypatch.setattr(IncrementalEngine, "scores", counted)
    monkeypatch.setattr(choice, "free_bytes", lambda device: 10_000_000)
    ours, theirs, _ = found(seeded(TinyNetwork))
    torch.testing.assert_close(ours.scores, theirs, atol=1e-12, rtol=0)
    most = max(sizes)
    monkeypatch.setattr(choice, "free_bytes", lambda device: 1_000_000)
    sizes.clear()
    ours, theirs, _ = found(seeded(TinyNetwork))
    torch.testing.assert_close(ours.scores, theirs, atol=1e-12, rtol=0)
    assert max(sizes) < most


def test_the_plan_of_a_grid_is_made_once(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    plan = plan_cache.Plan

    def counted(*given: Any) -> object:
        made.append(given)
        return plan(*given)

    monkeypatch.setattr(plan_cache, "Plan", counted)
    network = Network(seeded(TinyNetwork).double(), 3, 32, 32)
    for x in (X, X * 2):
        request = OcclusionRequest(network, LOGITS, lambda output: output[:, 0], x, PATCHES, FILL)
        choose_engine(request)
    assert len(made) == 1


def test_on_an_accelerator_the_faster_engine_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    network = Network(seeded(TinyNetwork).double(), 3, 32, 32)
    request = OcclusionRequest(network, LOGITS, lambda output: output[:, 0], X, PATCHES, FILL)
    incremental = choose_engine(request)
    dense = dense_engine(request, incremental.batches)
    taken = {"incremental": 2.0, "dense": 1.0}
    monkeypatch.setattr(choice, "_seconds", lambda engine: taken[engine.name])
    assert choice._faster(incremental, dense) == "dense"
    taken["dense"] = 3.0
    assert choice._faster(incremental, dense) == "incremental"
