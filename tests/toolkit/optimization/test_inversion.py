"""Inversion: the published recipe against a plain loop written from its formulas, step by step."""

from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor, nn

from tests.techniques.running import Recording
from tests.tiny import SIDE, TinyNetwork, seeded, tiny_model
from workers.toolkit.errors import UnitSilent
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.engine import History, Stage, optimize
from workers.toolkit.optimization.inversion import (
    Inversion,
    ModernInversion,
    PublishedInversion,
)
from workers.toolkit.optimization.parametrization import MeanCentred, Parametrization

STEPS = 20
MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)
SIGMA = 27098.1157 * (3 * SIDE**2 / (3 * 227**2)) ** 0.5


@dataclass(frozen=True)
class Params:
    """The parameters of an inversion; by default those of the published recipe."""

    restarts: int = 1
    steps: int = STEPS
    rate: float = 0.004
    alpha: float = 6.0
    alpha_weight: float = 8e-10


def published(
    model: VisionModel, path: str, restarts: int = 1, tv: float = 10.0
) -> PublishedInversion:
    dtype = next(model.network.module.parameters()).dtype
    with torch.no_grad():
        embedding = model.network.run(sought().to(dtype), path)
    params = Params(restarts)
    return PublishedInversion(
        model.network, model.preprocessing, path, embedding, params, tv=tv, jitter=0.0
    )


def modern(
    model: VisionModel, path: str, params: Params, image: Tensor, tv: float = 0.0
) -> ModernInversion:
    with torch.no_grad():
        embedding = model.network.run(image, path)
    return ModernInversion(
        model.network, model.preprocessing, path, embedding, params, tv=tv, jitter=0.0
    )


def sought() -> Tensor:
    return torch.randn(1, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(9))


def features(module: nn.Module, x: Tensor, path: str) -> Tensor:
    """Return the layer's output for x (3, H, W), 0..255 less the mean, with a hook."""
    std = torch.tensor(STD, dtype=x.dtype)[:, None, None]
    seen: list[Tensor] = []
    handle = module.get_submodule(path).register_forward_hook(
        lambda part, given, out: seen.append(out)
    )
    module((x / 255 / std)[None])
    handle.remove()
    return seen[0]


def objective(module: nn.Module, x: Tensor, code: Tensor, path: str, tv: float) -> Tensor:
    """Return ‖Φ(x)−Φ0‖²/‖Φ0‖² + (λTV/2·TV(x) + λα/2·Σ|x|^6)/σ², its sums written out."""
    error = ((features(module, x, path) - code) ** 2).sum() / (code**2).sum()
    variation = torch.zeros((), dtype=x.dtype)
    # The last row and column are repeated beyond the border: there is no difference.
    for row in range(SIDE):
        if row + 1 < SIDE:
            variation = variation + ((x[:, row + 1] - x[:, row]) ** 2).sum()
        variation = variation + ((x[:, row, 1:] - x[:, row, :-1]) ** 2).sum()
    return error + (tv / 2 * variation + 8e-10 / 2 * (x**6).sum()) / SIGMA**2


def slow(module: nn.Module, start: Tensor, code: Tensor, path: str, tv: float) -> list[Tensor]:
    """Return the x after each step of v ← .9 v − rate σ² ∇E; x ← x + v.

    When the rate changes, v ← 0.
    """
    x, v, last, seen = start.clone(), torch.zeros_like(start), None, []
    for step in range(STEPS):
        factor = 1.0 if step < STEPS // 4 else 0.1 if step < 3 * STEPS // 4 else 0.01
        if factor != last:
            v, last = torch.zeros_like(v), factor
        x = x.detach().requires_grad_()
        (gradient,) = torch.autograd.grad(objective(module, x, code, path, tv), x)
        v = 0.9 * v - 0.004 * factor * SIGMA**2 * gradient
        x = x.detach() + v
        seen.append(x)
    return seen


def course(inversion: Inversion, start: Tensor) -> list[Tensor]:
    """Return the parameters after each step from that start, (B, 3, H, W) each."""
    seen: list[Tensor] = []

    def begin(history: History, generator: torch.Generator) -> Parametrization:
        return MeanCentred(start, inversion.preprocessing)

    def note(parametrization: Parametrization, step: int) -> None:
        seen.append(parametrization.parameters[0].detach().clone())

    [stage] = inversion.stages()
    stage = replace(stage, begin=begin, after_step=note)
    optimize([stage], Recording(), seed=5, device=torch.device("cpu"))
    return seen


def starts(inversion: Inversion) -> Tensor:
    """Return the first parameters, (B, 3, H, W), in double precision."""
    return (
        inversion.stages()[0]
        .begin(History(), torch.Generator().manual_seed(5))
        .parameters[0]
        .detach()
        .double()
    )


@pytest.mark.parametrize(("path", "tv"), [("conv1", 1.0), ("relu3", 10.0), ("head", 100.0)])
def test_the_published_recipe_is_the_plain_loop_step_by_step(path: str, tv: float) -> None:
    module = seeded(TinyNetwork).double()
    inversion = published(tiny_model(double=True), path, restarts=2, tv=tv)
    begun = starts(inversion)
    seen = course(inversion, begun)
    for one in range(2):
        expected = slow(module, begun[one], inversion.embedding, path, tv)
        for found, wanted in zip(seen, expected, strict=True):
            torch.testing.assert_close(found[one], wanted, rtol=1e-5, atol=1e-4)
        assert (expected[-1] - begun[one]).abs().max() > 1


def test_the_start_has_the_published_norm() -> None:
    inversion = published(tiny_model(), "relu3", restarts=3)
    start = inversion.stages()[0].begin(History(), torch.Generator().manual_seed(1)).parameters[0]
    assert torch.allclose(start.flatten(1).norm(dim=1), torch.full((3,), SIGMA))


def test_restarts_are_independent() -> None:
    inversion = published(tiny_model(double=True), "relu3", restarts=2)
    begun = starts(inversion)
    together = course(inversion, begun)[-1]
    for one in range(2):
        torch.testing.assert_close(
            together[one : one + 1], course(inversion, begun[one : one + 1])[-1]
        )


def test_the_error_is_zero_for_the_image_itself_and_one_for_nothing() -> None:
    inversion = published(tiny_model(), "conv3")
    assert inversion.errors(sought()).item() < 1e-10
    wide = torch.cat([sought(), torch.zeros_like(sought())])
    found = inversion.network.run(wide, "conv3")
    expected = [
        ((one - inversion.embedding[0]) ** 2).sum() / (inversion.embedding**2).sum()
        for one in found
    ]
    assert torch.allclose(inversion.errors(wide), torch.stack(expected), atol=1e-7)


def test_the_modern_recipe_comes_near() -> None:
    model = tiny_model()
    params = Params(steps=120, rate=0.1, alpha_weight=0.0)
    inversion = modern(model, "conv1", params, sought().clamp(-1, 1))
    made = optimize(inversion.stages(), Recording(), seed=2, device=model.device)
    with torch.no_grad():
        assert inversion.errors(model.preprocessing.normalize(made.picture)).item() < 0.05
    assert torch.equal(made.kept[0], made.picture)


def test_in_the_last_steps_there_is_neither_shift_nor_noise() -> None:
    """A map is calm in the last quarter of the steps, a vector after 0.6 of them.

    The steps in pixels are for a layer with as many values as the picture only.
    """
    params = Params(steps=100, rate=0.1, alpha_weight=0.0)
    (deep,) = modern(tiny_model(), "conv1", params, sought()).stages()
    (vector,) = modern(tiny_model(), "head", params, sought()).stages()
    noisy, calm = modern(first_model(), "conv", params, torch.rand(1, 1, 16, 16)).stages()
    assert (deep.steps, vector.steps, noisy.steps, calm.steps) == (100, 100, 75, 25)
    assert (deep.keep, vector.keep, noisy.keep, calm.keep) == (True, True, False, True)
    assert draws(deep, deep, 74) and not draws(deep, deep, 75)
    assert draws(noisy, noisy, 74) and not draws(noisy, calm, 0)
    assert draws(vector, vector, 59) and not draws(vector, vector, 60)


def draws(first: Stage, stage: Stage, step: int) -> bool:
    """Return whether a step draws random numbers, on the picture with which `first` begins."""
    picture = first.begin(History(), torch.Generator().manual_seed(0)).picture()
    generator = torch.Generator().manual_seed(0)
    before = generator.get_state()
    stage.objective(picture, step, generator)
    return not torch.equal(before, generator.get_state())


@pytest.mark.parametrize(
    ("path", "parts"), [("conv1", {"tv": 0.1}), ("head", {"tv": 2.0, "contrast": 0.3})]
)
def test_the_penalties_of_the_last_steps(path: str, parts: dict[str, float]) -> None:
    """A map's TV weight falls to a tenth, a vector's doubles; a vector's contrast costs mean x⁴."""
    model = tiny_model()
    params = Params(restarts=2, steps=100, rate=0.1, alpha_weight=0.0)
    inversion = modern(model, path, params, sought(), tv=0.5)
    picture = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    across, down = (picture.diff(dim=axis).square().flatten(1).sum(1) for axis in (2, 3))
    x = (picture - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    per_unit = {"tv": 0.5 * (across + down) / (3 * SIDE**2), "contrast": (x**4).mean((1, 2, 3))}
    stage = inversion.stages()[-1]
    found = stage.objective(picture, stage.steps - 1, torch.Generator()).parts
    assert found.keys() == parts.keys() | {"error"}
    for name, weight in parts.items():
        torch.testing.assert_close(found[name], weight * per_unit[name])


class First(nn.Module):
    """A first convolution that forgets nothing: its weights are an orthogonal matrix."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 2, stride=2)
        self.head = nn.Linear(4 * 8 * 8, 10)
        with torch.no_grad():
            weight = torch.linalg.qr(torch.randn(4, 4)).Q
            self.conv.weight.copy_(6 * weight.reshape(4, 1, 2, 2))
            self.conv.bias.zero_()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.conv(x).flatten(1))


def first_model() -> VisionModel:
    network = Network(seeded(First), 1, 16, 16)
    preprocessing = Preprocessing(16, 16, "bilinear", (0.2,), (0.35,))
    return VisionModel("first", network, preprocessing, tuple("abcdefghij"), "sha256:first")


@pytest.mark.parametrize("seed", [0, 1])
def test_a_layer_that_forgets_nothing_gives_the_image_back(seed: int) -> None:
    """Also where it is black or white, and no pixel stays at the wrong end."""
    model = first_model()
    generator = torch.Generator().manual_seed(9)
    picture = (torch.rand(1, 1, 16, 16, generator=generator) * 2 - 0.5).clamp(0, 1)
    assert (picture == 0).float().mean() > 0.2 and (picture == 1).float().mean() > 0.2
    params = Params(steps=256, rate=0.1, alpha_weight=0.0)
    x = model.preprocessing.normalize(picture)
    inversion = modern(model, "conv", params, x)
    made = optimize(inversion.stages(), Recording(), seed=seed, device=model.device).picture
    assert (made - picture).abs().max() < 0.03
    with torch.no_grad():
        assert inversion.errors(model.preprocessing.normalize(made)).item() < 1e-3


class Bright(nn.Module):
    """A ReLU that is off unless the picture is bright."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(1, 4, 16)
        self.relu = nn.ReLU()
        with torch.no_grad():
            self.conv.weight.fill_(1 / 256)
            self.conv.bias.fill_(-0.5)

    def forward(self, x: Tensor) -> Tensor:
        return self.relu(self.conv(x)).flatten(1)


def test_a_layer_that_stays_silent_is_said_to_be() -> None:
    network = Network(Bright(), 1, 16, 16)
    preprocessing = Preprocessing(16, 16, "bilinear", (0.5,), (0.3,))
    bright, dark = torch.ones(1, 1, 16, 16), torch.zeros(1, 1, 16, 16)
    with torch.no_grad():
        embedding = network.run(bright, "relu")
    inversion = PublishedInversion(
        network, preprocessing, "relu", embedding, Params(steps=4), tv=1.0, jitter=0.0
    )
    with pytest.raises(UnitSilent, match="'relu' does not respond"):
        inversion.check_gradient(dark)
    inversion.check_gradient(bright)  # the error is 0
    inversion.check_gradient(0.9 * bright)
