"""What another process computed is not computed again, and the result is the same to the last bit."""

import io

import pytest
import torch
from torch import Tensor

from tests.techniques.running import Recording, Stopped, explain_into, values
from tests.tiny import tiny_model
from workers.toolkit.execution.batch_runner import BatchRunner
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.execution.replay import ReplayLog

BATCHES = torch.arange(20.0)[:, None].split(4)


def asked_of(record: ReplayLog, kind: str, stop_before: int = 99) -> tuple[list[Tensor], int]:
    """Results of five batches, or of as many as come before the stop, and how many images were computed."""
    asked = 0

    def function(batch: Tensor) -> Tensor:
        nonlocal asked
        asked += len(batch)
        return batch[:, 0].exp() if kind == "scores" else batch.exp()

    series = record.score_series() if kind == "scores" else record.sum_series()
    runner = BatchRunner(function, series=series)
    return [runner.run(batch) for batch in BATCHES[:stop_before]], asked


@pytest.mark.parametrize("kind", ["scores", "summed"])
def test_only_what_is_not_known_is_computed(kind: str) -> None:
    whole, asked = asked_of(ReplayLog(LocalContext()), kind)
    assert asked == 20
    first = LocalContext()
    asked_of(ReplayLog(first), kind, 3)
    second = LocalContext(saved=first.saved)
    found, asked = asked_of(ReplayLog(second), kind)
    assert asked == 8
    assert torch.equal(
        sum(found) if kind == "summed" else torch.cat(found),
        sum(whole) if kind == "summed" else torch.cat(whole),
    )
    assert asked_of(ReplayLog(LocalContext(saved=second.saved)), kind)[1] == 0


def test_it_replays_as_long_as_something_is_known() -> None:
    first = LocalContext()
    asked_of(ReplayLog(first), "summed", 2)
    record = ReplayLog(LocalContext(saved=first.saved))
    seen = []
    runner = BatchRunner(lambda batch: batch, series=record.sum_series())
    for batch in BATCHES[:3]:
        seen.append(record.replaying)
        runner.run(batch)
    assert seen == [True, True, False]
    assert not ReplayLog().replaying


@pytest.mark.parametrize("kind", ["scores", "summed"])
def test_what_does_not_fit_is_computed_anew(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version may send other batches."""
    whole, _ = asked_of(ReplayLog(), kind)
    first = LocalContext()
    asked_of(ReplayLog(first), kind, 3)
    monkeypatch.setattr(f"{__name__}.BATCHES", torch.arange(20.0)[:, None].split(5))
    record = ReplayLog(LocalContext(saved=first.saved))
    found, asked = asked_of(record, kind)
    assert torch.allclose(
        torch.stack([part.sum() for part in found]).sum(),
        torch.stack([part.sum() for part in whole]).sum(),
    )
    assert asked == (10 if kind == "scores" else 20) and not record.replaying


def test_named_scores_come_in_any_order() -> None:
    """Occlusion's engine is chosen by its speed, each time anew, and each has an order of its own."""

    def function(batch: Tensor) -> Tensor:
        asked.extend(batch.tolist())
        return batch.double().exp()

    asked: list[int] = []
    first, second, third = LocalContext(), LocalContext(), LocalContext()
    runner = BatchRunner(function, series=ReplayLog(first).score_series(by_key=True))
    for batch in torch.tensor([[7, 3], [5, 1]]):
        runner.run(batch)
    second.saved, asked[:] = first.saved, []
    record = ReplayLog(second)
    runner = BatchRunner(function, series=record.score_series(by_key=True))
    for batch in torch.tensor([[1, 7], [0, 2]]):
        assert torch.equal(runner.run(batch), batch.double().exp())
    assert asked == [0, 2] and not record.replaying
    third.saved, asked[:] = second.saved, []  # what was not asked for the second time is still held
    runner = BatchRunner(function, series=ReplayLog(third).score_series(by_key=True))
    assert torch.equal(
        runner.run(torch.tensor([3, 5, 2])),
        torch.tensor([3.0, 5, 2]).double().exp(),
    )
    assert asked == []


@pytest.mark.parametrize("saved", [b"damaged", b""])
def test_a_damaged_record_is_none(saved: bytes) -> None:
    assert asked_of(ReplayLog(LocalContext(saved=saved)), "scores")[1] == 20


def test_another_format_is_none() -> None:
    buffer = io.BytesIO()
    torch.save({"format": 0, "scores": [[torch.arange(20), torch.zeros(20)]], "sums": []}, buffer)
    assert asked_of(ReplayLog(LocalContext(saved=buffer.getvalue())), "scores")[1] == 20


@pytest.mark.parametrize(
    ("technique", "params"),
    [
        ("occlusion", {"window": 4, "stride": 2}),
        ("rise", {"masks": 100}),
        ("saliency", {"samples": 40}),
        ("grad_cam", {"samples": 40}),
        ("guided_backprop", {"samples": 40}),
        ("integrated_gradients", {"steps": 40}),
        ("integrated_gradients", {"steps": 8, "samples": 9}),
    ],
)
def test_a_technique_goes_on_where_it_was_stopped(technique: str, params: dict[str, int]) -> None:
    """In its map, in that of the shuffled model, and in the curves of the check."""
    whole = Recording()
    summary = explain_into(whole, technique, tiny_model(), check=True, **params)
    passes = []
    for stop_at in range(2, len(whole.steps), max(1, len(whole.steps) // 6)):
        stopped = Recording(stop_at=stop_at)
        with pytest.raises(Stopped):
            explain_into(stopped, technique, tiny_model(), check=True, **params)
        resumed, model = Recording(saved=stopped.saved), tiny_model()
        assert explain_into(resumed, technique, model, check=True, **params) == summary
        assert resumed.files == whole.files and torch.equal(values(resumed), values(whole))
        passes.append(model.network.passes)
        assert stopped.saved is None or resumed.steps[0] >= stopped.steps[-2]
    assert passes == sorted(passes, reverse=True) and passes[-1] < passes[0]
