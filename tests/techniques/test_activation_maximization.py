"""Activation maximization: the closed form for a linear model, and what every recipe must do."""

import io
import json
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor, nn

from catalog.errors import InvalidParameters, TooExpensive
from catalog.models import find_model
from catalog.techniques.activation_maximization import (
    ActivationMaximizationParams,
    ActivationMaximizationSummary,
)
from tests.techniques.running import Recording, entry_of
from tests.tiny import SIDE, photo, tiny_model
from workers.execute import execute
from workers.toolkit.errors import NoStart
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.unit import Unit
from workers.toolkit.network.vision_model import VisionModel
from workers.toolkit.optimization.maximization import Robust, diversity_penalty


@dataclass(frozen=True)
class PlainParams:
    """Parameters of a maximization without views and penalties."""

    count: int
    steps: int
    rate: float
    l2: float = 0.0
    tv: float = 0.0
    alpha_norm: float = 0.0
    blur_every: int = 0
    jitter: int = 0
    zoom: float = 1.0
    noise: float = 0.0


class Linear(nn.Module):
    """A network whose score is a scalar product, as a convolution over the whole input."""

    def __init__(self) -> None:
        super().__init__()
        self.all = nn.Conv2d(3, 2, SIDE)

    def forward(self, x: Tensor) -> Tensor:
        return self.all(x).flatten(1)


def linear_model(*, binary: bool = False) -> VisionModel:
    module = Linear()
    weight = (
        torch.from_numpy(np.asarray(photo(SIDE, SIDE, seed=4), np.float32)).permute(2, 0, 1) / 255
        - 0.5
    )
    weight = 0.3 * weight.sign() if binary else weight
    with torch.no_grad():
        module.all.weight.copy_(torch.stack([weight, -weight]))
        module.all.bias.zero_()
    preprocessing = Preprocessing(SIDE, SIDE, "bilinear", (0.5, 0.5, 0.5), (0.5, 0.5, 0.5))
    return VisionModel(
        "tiny", Network(module, 3, SIDE, SIDE), preprocessing, ("a", "b"), "sha256:linear"
    )


def made(
    model: VisionModel, image: Image.Image | None = None, **fields: object
) -> tuple[ActivationMaximizationSummary, Recording]:
    params = ActivationMaximizationParams.model_validate({"seed": 3, **fields}).resolved(
        entry_of(model)
    )
    context = Recording()
    summary = execute(
        "activation_maximization", params, model, {"image": image} if image else {}, context
    )
    assert isinstance(summary, ActivationMaximizationSummary)
    return summary, context


def picture(context: Recording, name: str = "image.png") -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(context.files[name])), dtype=np.float64) / 255


def test_of_a_linear_model_it_finds_the_weight() -> None:
    """The maximum of w·x − λ‖x‖² is at x = w / 2λ; λ is chosen so that this fits into 0..1."""
    model = linear_model()
    filters: Any = model.network.module.all
    weight = filters.weight[0].detach().numpy().transpose(1, 2, 0)
    fields = {"target": "class:0", "recipe": "simonyan", "l2": 1.0, "steps": 300, "rate": 0.002}
    _, context = made(model, **fields)
    x = (picture(context) - 0.5) / 0.5
    assert np.abs(x - weight / 2).max() < 0.03


def test_of_a_linear_model_that_pays_the_alpha_norm_it_finds_the_fifth_root() -> None:
    """The maximum of w·x − λΣ|x|⁶ is where w = 6λ|x|⁵ sign(x).

    All |w| are equal, so that all pixels arrive there together.
    """
    model = linear_model(binary=True)
    filters: Any = model.network.module.all
    weight = filters.weight[0].detach().numpy().transpose(1, 2, 0)
    fields = {
        "target": "class:0",
        "recipe": "simonyan",
        "l2": 0,
        "alpha_norm": 0.2,
        "steps": 300,
        "rate": 0.002,
    }
    _, context = made(model, **fields)
    x = (picture(context) - 0.5) / 0.5
    assert np.abs(x - np.sign(weight) * (0.3 / (6 * 0.2)) ** 0.2).max() < 0.01


@pytest.mark.parametrize("recipe", ["robust", "lucid", "simonyan", "yosinski"])
@pytest.mark.parametrize("target", ["class:3", "conv3:2", "conv3:2@center", "conv2"])
def test_every_recipe_raises_every_kind_of_unit(recipe: str, target: str) -> None:
    summary, _ = made(tiny_model(), target=target, recipe=recipe, steps=40)
    assert summary.score_after[0] > summary.score_before[0]


def test_the_noise_falls_to_a_sixth(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[float] = []

    def zoom(part: float, noise: float) -> object:
        seen.append(noise)
        return lambda picture, generator: picture

    monkeypatch.setattr("workers.toolkit.optimization.maximization.RandomCrop", zoom)
    made(tiny_model(), target="class:3", steps=10, noise=0.6)
    assert seen == pytest.approx([0.6 - 0.05 * step for step in range(10)])


def test_robust_pays_for_contrast_and_grain_in_units_of_the_score() -> None:
    model = tiny_model()
    params = PlainParams(count=8, steps=200, rate=0.05)
    maximization = Robust(model.network, model.preprocessing, Unit("conv3", 5), params)
    picture = torch.rand(8, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(1))
    found = maximization.stage().objective(picture, 100, torch.Generator()).parts
    x = (picture - torch.tensor([0.5, 0.4, 0.3])[:, None, None]) / torch.tensor([0.2, 0.25, 0.3])[
        :, None, None
    ]
    score = model.network.run(x, "conv3")[:, 5].mean((1, 2))
    assert score.max() > 0 > score.min()
    worth = score.clamp(min=0) / (3 * SIDE**2)
    across, down = (x.diff(dim=axis).square().sum((1, 2, 3)) for axis in (2, 3))
    torch.testing.assert_close(found["score"], -score)
    torch.testing.assert_close(found["contrast"], 0.15 * worth * (x**4).sum((1, 2, 3)))
    torch.testing.assert_close(found["grain"], 2 * worth * (across + down))
    assert found.keys() == {"score", "contrast", "grain"}


def test_the_score_is_that_of_the_saved_picture() -> None:
    model = tiny_model()
    summary, context = made(model, target="class:3", steps=8)
    x = model.preprocessing.normalize(
        torch.from_numpy(picture(context)).float().permute(2, 0, 1)[None]
    )
    logits = model.network.logits(x)[0]
    assert summary.score_after[0] == pytest.approx(float(logits[3]), abs=1e-4)
    assert summary.probability is not None
    assert summary.probability[0] == pytest.approx(float(logits.softmax(0)[3]), abs=1e-5)
    assert summary.predicted[0].index == int(logits.argmax())


@pytest.mark.parametrize(("start", "level"), [("zero", 0.0), ("mean", None), ("image", None)])
def test_the_start_is_the_one_that_is_named(start: str, level: float | None) -> None:
    model = tiny_model()
    image = photo(50, 40, seed=7)
    _, context = made(
        model, image, target="class:3", recipe="simonyan", start=start, steps=1, rate=1e-6
    )
    if start == "image":
        expected = model.preprocessing.picture(model.prepare(image).x)[0].permute(1, 2, 0).numpy()
    else:
        expected = np.broadcast_to(
            model.preprocessing.mean if level is None else level, (SIDE, SIDE, 3)
        )
    assert np.abs(picture(context) - expected).max() < 0.01


def test_start_image_requires_an_image() -> None:
    with pytest.raises(NoStart, match="-F image=@"):
        made(tiny_model(), target="class:3", start="image", steps=1)


def test_several_images_are_kept_apart() -> None:
    fields = {"target": "class:3", "count": 3, "steps": 60, "recipe": "lucid"}
    model = tiny_model()

    def alike(diversity: float) -> float:
        _, context = made(model, **fields, diversity=diversity)
        pictures = np.stack([picture(context, f"image-{i}.png") for i in (1, 2, 3)])
        x = model.preprocessing.normalize(torch.from_numpy(pictures).float().permute(0, 3, 1, 2))
        return float(diversity_penalty(model.network.run(x, "relu3")))

    assert alike(30.0) < alike(0.0)


def test_likeness_is_the_mean_cosine_of_gram_matrices() -> None:
    features = torch.randn(3, 4, 5, 6, generator=torch.Generator().manual_seed(0))
    grams = [f.flatten(1) @ f.flatten(1).T for f in features]
    cosines = [
        float((a * b).sum() / (a.norm() * b.norm())) for a in grams for b in grams if a is not b
    ]
    assert float(diversity_penalty(features)) == pytest.approx(sum(cosines) / 6, rel=1e-5)
    assert float(diversity_penalty(features[:1])) == 0


def test_the_curve_has_every_part_at_every_step() -> None:
    _, context = made(tiny_model(), target="class:3", recipe="simonyan", steps=9, tv=0.1)
    curve = json.loads(context.files["curve.json"])
    assert curve.keys() == {"score", "l2", "tv"}
    assert all(len(values) == 9 for values in curve.values())


@pytest.mark.parametrize(
    ("given", "used_by"),
    [
        ({"blur_every": 2}, "simonyan and yosinski"),
        ({"blur_every": 2, "recipe": "lucid"}, "simonyan and yosinski"),
        ({"diversity": 3.0}, "count of 2"),
    ],
)
def test_what_would_have_no_effect_is_refused(given: dict[str, object], used_by: str) -> None:
    entry = find_model("efficientnet_lite0")
    params = ActivationMaximizationParams.model_validate({"target": "class:1", **given}).resolved(
        entry
    )
    with pytest.raises(InvalidParameters, match=used_by) as refused:
        params.validate_for(entry, ())
    assert refused.value.errors[0].pointer == f"/{next(iter(given))}"


@pytest.mark.parametrize("recipe", ["robust", "lucid", "simonyan", "yosinski"])
def test_recorded_parameters_can_be_sent_again(recipe: str) -> None:
    entry = find_model("efficientnet_lite0")
    params = ActivationMaximizationParams.model_validate(
        {"target": "class:1", "recipe": recipe}
    ).resolved(entry)
    ActivationMaximizationParams.model_validate(params.model_dump(mode="json")).resolved(
        entry
    ).validate_for(entry, ())


@pytest.mark.parametrize("asked", [{"size": 1024}, {"count": 16}, {"size": 256, "count": 16}])
def test_as_much_as_can_be_made_at_once_can_be_made_with_the_default_steps(
    asked: dict[str, int],
) -> None:
    entry = find_model("efficientnet_lite0")
    ActivationMaximizationParams(target="class:1", **asked).resolved(entry).validate_for(entry, ())


def test_top_and_too_much_are_refused() -> None:
    entry = find_model("efficientnet_lite0")
    with pytest.raises(InvalidParameters, match="Name the class"):
        ActivationMaximizationParams(target="top").resolved(entry).validate_for(entry, ())
    with pytest.raises(TooExpensive, match="Lower steps"):
        ActivationMaximizationParams(target="class:1", steps=4096, count=16).resolved(
            entry
        ).validate_for(entry, ())
