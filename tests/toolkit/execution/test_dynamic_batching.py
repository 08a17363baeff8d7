"""Threads that ask for the same are answered by one batch, each as if it were alone."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.techniques.running import explain
from tests.tiny import TinyNetwork, seeded, tiny_model
from tests.toolkit.networks import network, noise
from workers.toolkit.attribution.grad_cam import class_activation_map
from workers.toolkit.execution.dynamic_batching import BatchableFunction, DynamicBatcher
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network.rectifiers import guided
from workers.toolkit.network.unit import Unit

UNITS = [Unit("", 3), Unit("", 7), Unit("", 3), Unit("", 0)]


def together(
    tasks: Sequence[Callable[[], Any]], patience_s: float = 20.0
) -> tuple[list[Any], DynamicBatcher]:
    """What each task returned, or its exception; every task in a thread of its own."""
    batcher = DynamicBatcher(len(tasks), patience_s)

    def run(task: Callable[[], Any]) -> Any:
        with batcher.joined():
            try:
                return task()
            except Exception as error:
                return error

    with ThreadPoolExecutor(len(tasks)) as threads:
        return list(threads.map(run, tasks)), batcher


@pytest.mark.parametrize("rule", [None, guided])
def test_gradients_of_different_units_come_from_one_batch(rule: Any) -> None:
    made, images = network(seeded(TinyNetwork)), noise(4)
    ask = [lambda i=i: input_gradient(made, UNITS[i], images[i : i + 1], rule) for i in range(4)]
    alone = [one() for one in ask]
    found, batcher = together(ask)
    assert batcher.batches == [4]
    for one, other in zip(found, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-5)


def test_maps_of_different_units_come_from_one_batch() -> None:
    made, images = network(seeded(TinyNetwork)), noise(4)
    ask = [
        lambda i=i: class_activation_map(made, UNITS[i], "conv3", images[i : i + 1])
        for i in range(4)
    ]
    alone = [one() for one in ask]
    found, batcher = together(ask)
    assert batcher.batches == [4]
    for one, other in zip(found, alone, strict=True):
        torch.testing.assert_close(one, other, atol=1e-7, rtol=1e-5)


@pytest.mark.parametrize("technique", ["predict", "saliency", "guided_backprop", "grad_cam"])
def test_whole_techniques_meet_in_every_batch(technique: str) -> None:
    """No lock, and nothing else that one thread holds, may keep the others from coming."""
    model = tiny_model()
    asked = {"layer": "conv3"} if technique == "grad_cam" else {}
    results, batcher = together(
        [lambda: explain(technique, model, seed=1, **asked) for _ in range(3)]
    )
    assert batcher.batches and set(batcher.batches) == {3}
    assert all(not isinstance(result, Exception) for result in results)


def test_different_questions_are_not_mixed() -> None:
    made, images = network(seeded(TinyNetwork)), noise(3)
    ask: list[Callable[[], Tensor]] = [
        lambda: input_gradient(made, UNITS[0], images[:1]),
        lambda: input_gradient(made, UNITS[0], images[1:2], guided),
        lambda: input_gradient(made, Unit("conv3", 2), images[2:]),
    ]
    alone = [one() for one in ask]
    found, batcher = together(ask)
    assert batcher.batches == [1, 1, 1]
    for one, other in zip(found, alone, strict=True):
        assert torch.equal(one, other)


def test_who_is_done_is_not_waited_for() -> None:
    made, images = network(seeded(TinyNetwork)), noise(3)

    def twice(i: int) -> Tensor:
        for _ in range(2 if i else 1):
            found = input_gradient(made, UNITS[0], images[i : i + 1])
        return found

    _, batcher = together([lambda i=i: twice(i) for i in range(3)])
    assert batcher.batches == [3, 2]


def test_who_never_comes_is_waited_for_only_so_long() -> None:
    made, images, came = network(seeded(TinyNetwork)), noise(2), []

    def late() -> Tensor:
        while not came:
            torch.zeros(1)
        return input_gradient(made, UNITS[0], images[1:])

    def early() -> Tensor:
        found = input_gradient(made, UNITS[0], images[:1])
        came.append(1)
        return found

    _, batcher = together([late, early], patience_s=0.05)
    assert batcher.batches == [1, 1]


def test_what_fails_for_one_image_fails_for_that_image_alone() -> None:
    def root(_asked: Sequence[Any], x: Tensor) -> Tensor:
        if bool((x < 0).any()):
            raise ValueError("negative")
        return x.sqrt()

    of_root = BatchableFunction("root", None, root, lambda: 8)
    ask = [lambda i=i: of_root(torch.full((1, 1), float(i - 1))) for i in range(3)]
    found, _ = together(ask)
    assert isinstance(found[0], ValueError)
    assert [float(one) for one in found[1:]] == [0.0, 1.0]


def test_without_a_batcher_a_call_runs_at_once() -> None:
    asked: list[Any] = []

    def run(each: Sequence[Any], x: Tensor) -> Tensor:
        asked.extend(each)
        return x

    assert torch.equal(BatchableFunction("key", 5, run, lambda: 8)(noise(3)), noise(3))
    assert asked == [5, 5, 5]
