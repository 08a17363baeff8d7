"""What is made of a module gives the module's outputs, gradients and layers, or is left out."""

import logging
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from tests.workers.odd_networks import SIDE, built, load
from workers.models.acceptance import accept
from workers.models.check_state import check_state
from workers.models.describe import describe
from workers.models.errors import WrongOutput
from workers.provenance import provenance
from workers.toolkit.errors import NotExportable
from workers.toolkit.execution.input_gradient import input_gradient
from workers.toolkit.network import receptive_fields
from workers.toolkit.network.maps import last_map
from workers.toolkit.network.network import Network
from workers.toolkit.network.optimizations import ALL, NONE
from workers.toolkit.network.unit import Unit

SHAPE = (3, SIDE, SIDE)
UNIT = Unit("", 2)


def noise(batch: int) -> Tensor:
    return torch.randn(batch, *SHAPE, generator=torch.Generator().manual_seed(3))


def slopes(module: nn.Module, x: Tensor, points: list[tuple[int, int, int]]) -> Tensor:
    """Return ∂ output 2 / ∂ pixel at some pixels of each image, from central differences."""
    module, x, found = module.double(), x.double(), []
    for channel, row, column in points:
        step = torch.zeros_like(x)
        step[:, channel, row, column] = 1e-6
        with torch.no_grad():
            found.append((module(x + step)[:, 2] - module(x - step)[:, 2]) / 2e-6)
    return torch.stack(found, 1)


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("kind", ["InstanceNormed", "Tokens"])
def test_the_gradient_through_a_norm_is_that_of_finite_differences(
    tmp_path: Path, kind: str, batch: int
) -> None:
    """torch has wrong gradients of both norms for a single image in these layouts."""
    model, x = load(tmp_path, kind), noise(batch)
    gradient = input_gradient(model.network, UNIT, x)
    points = [(c, y, x) for c in range(3) for y in (0, 5, 15) for x in (1, 8)]
    expected = slopes(built(kind), x, points)
    found = torch.stack([gradient[:, c, y, x] for c, y, x in points], 1).double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4 * expected.abs().max())


@pytest.mark.parametrize("kind", ["InstanceNormed", "Tokens"])
def test_what_is_left_out_is_named(tmp_path: Path, kind: str) -> None:
    model = load(tmp_path, kind)
    assert provenance(model, 0)["left_out"] == ["single_images"]
    assert describe("m", model.network, model.weights).left_out == ["single_images"]
    assert provenance(load(tmp_path, "Net"), 0)["left_out"] == []


def test_a_network_at_another_size_and_with_other_weights_leaves_out_the_same() -> None:
    contiguous = Network(NONE.arrange_parameters(built("Net")), *SHAPE, optimizations=NONE)
    for network in (accept("m", built("InstanceNormed"), SHAPE)[0], contiguous):
        larger = network.at(24, 24)
        changed = network.with_parameter(network.kernels("")[0], torch.zeros(8, 3, 3, 3))
        for other in (larger, changed):
            assert other.optimizations == network.optimizations != ALL
    for other in (larger, changed):
        assert other.module.second.weight.is_contiguous()


def test_a_folding_that_is_wrong_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folding measures itself in single precision; here it does not notice an error of 1e-7."""
    right = __import__("workers.toolkit.network.folding", fromlist=["_folded"])._folded

    def wrong(constants: list[Tensor | None], epsilon: float) -> tuple[Tensor, Tensor]:
        weight, bias = right(constants, epsilon)
        return weight * (1 + 1e-7), bias

    monkeypatch.setattr("workers.toolkit.network.folding._folded", wrong)
    network, verdict = accept("m", built("Net"), SHAPE)
    assert (verdict.optimizations.channels_last, verdict.optimizations.folded_batch_norm) == (
        True,
        False,
    )
    assert network.left_out == ["folded_batch_norm"] and network.folding.folded == 0


@pytest.mark.parametrize("kind", ["Net", "Tied", "Single", "Twice", "StraightThrough", "Frozen"])
def test_a_sound_network_keeps_all_optimizations_layers_and_its_precision(kind: str) -> None:
    module = built(kind)
    network, verdict = accept("m", module, SHAPE)
    assert (verdict.optimizations, verdict.unlisted) == (ALL, {})
    assert network.has_gradient("") and {"first", "second"} <= network.layers.keys()
    assert {tensor.dtype for tensor in module.parameters()} == {torch.float32}
    x = noise(3)
    torch.testing.assert_close(network.logits(x), built(kind)(x), rtol=1e-5, atol=1e-5)


def test_the_gradient_of_a_frozen_backbone_is_that_of_finite_differences(tmp_path: Path) -> None:
    """`torch.no_grad` in the module's code is no part of the function."""
    model, x = load(tmp_path, "Frozen"), noise(1)
    gradient = input_gradient(model.network, UNIT, x)
    expected = slopes(built("Frozen"), x, [(1, 4, 4), (2, 9, 3)])
    found = gradient[0, [1, 2], [4, 9], [4, 3]].double()
    torch.testing.assert_close(found[None], expected, rtol=1e-4, atol=1e-7)


def test_a_backward_pass_that_export_loses_is_refused(caplog: pytest.LogCaptureFixture) -> None:
    with (
        caplog.at_level(logging.CRITICAL),
        pytest.raises(
            NotExportable, match=r"gradient by the image is off by 2 .*autograd.Function"
        ),
    ):
        accept("m", built("Reversed"), SHAPE)


def test_a_layer_that_is_not_what_its_module_returns_is_not_listed(tmp_path: Path) -> None:
    model = load(tmp_path, "Pooled")
    assert "pool" not in model.network.layers
    described = describe("m", model.network, model.weights)
    assert described.unlisted.get("pool", "its module returns a tuple") == (
        "its module returns a tuple"
    )
    assert {"first", "second"} <= {layer.path for layer in described.layers}


def test_of_two_calls_of_a_module_the_one_counts_on_which_the_output_depends(
    tmp_path: Path,
) -> None:
    """The last call makes an output that the entry does not choose."""
    model, x = load(tmp_path, "SeenTwice", "output = 0"), noise(2)
    module = built("SeenTwice")
    expected = module.second(F.relu(module.norm(module.first(x))))
    torch.testing.assert_close(model.network.run(x, "second"), expected, rtol=1e-4, atol=1e-5)
    assert last_map(model.network) == "second" and not model.network.unlisted


def test_every_listed_layer_is_compared_by_value(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer that is off by a millionth is found, and it alone."""
    run_all = Network.run_all

    def off(network: Network, x: Tensor, paths: tuple[str, ...], *rest: object) -> object:
        outputs = run_all(network, x, paths, *rest)
        return tuple(
            output * (1 + 1e-6) if path == "second" else output
            for path, output in zip(paths, outputs, strict=True)
        )

    monkeypatch.setattr(Network, "run_all", off)
    _, verdict = accept("m", built("Net"), SHAPE)
    assert list(verdict.unlisted) == ["second"] and "off by 1e-06" in verdict.unlisted["second"]


def test_a_module_that_refuses_double_precision_is_tested_in_single(tmp_path: Path) -> None:
    model, x = load(tmp_path, "SingleOnly"), noise(2)
    assert {"first", "second"} <= model.network.layers.keys()
    gradient = input_gradient(model.network, UNIT, x)
    expected = slopes(built("Net"), x, [(1, 4, 4), (2, 9, 3)])
    found = gradient[:, [1, 2], [4, 9], [4, 3]].double()
    torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-7)


def test_a_model_for_which_single_precision_is_too_coarse_is_refused() -> None:
    with pytest.raises(WrongOutput, match=r"too coarse for 'm': its own output is off by 0\.\d+"):
        accept("m", built("Coarse"), SHAPE)


def test_every_image_of_a_batch_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network whose middle image alone is wrong is refused."""
    logits = Network.logits

    def off(network: Network, x: Tensor) -> Tensor:
        found = logits(network, x)
        if len(x) < 3:
            return found
        return torch.cat([found[:1], 1.01 * found[1:2], found[2:]])

    monkeypatch.setattr(Network, "logits", off)
    with pytest.raises(NotExportable, match=r"output is off by 0\.01 .* in a batch of 3"):
        accept("m", built("Net"), SHAPE)


def test_a_layer_that_folding_changes_is_not_listed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A layer is compared as jobs read it, too: in single precision, behind a folded norm."""
    run_all = Network.run_all

    def off(network: Network, x: Tensor, paths: tuple[str, ...], *rest: object) -> object:
        part = network.part(paths)
        folded = any("folded" in str(node.target) for node in part.graph.nodes)
        outputs = run_all(network, x, paths, *rest)
        return tuple(
            output * 1.01 if path == "second" and folded else output
            for path, output in zip(paths, outputs, strict=True)
        )

    monkeypatch.setattr(Network, "run_all", off)
    network, verdict = accept("m", built("Net"), SHAPE)
    assert network.folding.folded == 1
    assert list(verdict.unlisted) == ["second"] and "off by 0.01" in verdict.unlisted["second"]


def test_a_verdict_is_remembered_for_the_same_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = load(tmp_path, "InstanceNormed")
    monkeypatch.setattr("workers.models.acceptance._Examination", None)
    again = load(tmp_path, "InstanceNormed")
    assert again.network.optimizations == first.network.optimizations != NONE
    x = noise(2)
    assert torch.equal(again.network.logits(x), first.network.logits(x))


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("Squeezed", r"\(4,\) for a single image, but \(4, 4\) for 4: the batch axis is lost"),
        ("LessFirst", r"differs when the image is alone in its batch"),
        ("LessLast", r"differs when the image is alone in its batch"),
        ("Ranged", r"differs when the image is alone in its batch"),
        ("Dropping", r"A dropout is always on. Use nn.Dropout, or F.dropout"),
        ("Noisy", r"draws random numbers \(\w*rand\w*\)"),
        ("Counting", r"state that is kept between calls"),
        ("WarmedUp", r"depends on 'steps', which each call changes"),
        ("CountsCalls", r"depends on 'calls', .* Change it only if self.training"),
    ],
)
def test_a_module_with_more_than_one_answer_is_refused(
    tmp_path: Path, kind: str, words: str
) -> None:
    with pytest.raises(WrongOutput, match=words):
        load(tmp_path, kind)


def test_a_state_that_no_output_depends_on_is_kept(tmp_path: Path) -> None:
    network = load(tmp_path, "CountsInVain").network
    expected = built("CountsInVain")(noise(2))
    torch.testing.assert_close(network.logits(noise(2)), expected, rtol=1e-5, atol=1e-5)


def test_a_buffer_that_calls_change_and_the_output_reads_is_found_in_the_graph() -> None:
    with pytest.raises(WrongOutput, match="depends on 'steps', which each call changes"):
        accept("m", built("WarmedUp"), SHAPE)


def test_states_are_changed_for_the_test_only() -> None:
    module = built("CountsInVain")
    check_state("m", module, noise(1))
    assert module.calls == int(module.seen) < 20


def test_a_description_analyses_the_receptive_fields_once(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    analysed = receptive_fields._analysed
    monkeypatch.setattr(
        receptive_fields, "_analysed", lambda graph: calls.append(graph) or analysed(graph)
    )
    found = describe("m", Network(built("Net"), *SHAPE), None)
    assert len(calls) == 1 and found.layers[0].receptive_field.size == [3, 3]


def test_lazy_layers_get_their_shapes_from_the_entry(tmp_path: Path) -> None:
    model, x = load(tmp_path, "Lazy"), noise(2)
    torch.testing.assert_close(model.network.logits(x), built("Lazy")(x), rtol=1e-5, atol=1e-5)


def test_a_switch_that_nothing_reads_is_no_state() -> None:
    check_state("m", built("Toggles"), noise(1))
    with pytest.raises(WrongOutput, match="which each call changes"):
        check_state("m", built("ReadsItsToggle"), noise(1))
