"""Style transfer: the published losses on a small VGG, and what every option promises."""

import io
import itertools
from typing import Any

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

from catalog.errors import InvalidParameters, LayerWithoutMap
from catalog.models import DEFAULT_MODEL, find_model
from catalog.techniques.style_transfer import StyleTransferParams
from retinoscope.demo_plan import photograph
from tests.techniques.painting import CONTENT, STYLE, curve, made, paint
from tests.techniques.running import Recording, Stopped, wide_model
from tests.tiny import EveryRelu, photo, seeded, tiny_model
from workers.execute import execute
from workers.toolkit.errors import NoMaxPooling
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

STYLE_2 = photo(48, 64, seed=3)
MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
WIDTHS = {64: 4, 128: 6, 256: 8, 512: 10}


class SmallVgg(nn.Module):
    """VGG19 with fewer channels and the same layer names."""

    def __init__(self) -> None:
        super().__init__()
        plan = [WIDTHS.get(width, width) for width in torchvision.models.vgg.cfgs["E"]]
        plan, layers, channels = list(plan), list[nn.Module](), 3
        for width in plan:
            if width == "M":
                layers.append(nn.MaxPool2d(2, 2))
                continue
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        self.features = nn.Sequential(*layers)
        for part in layers:
            if isinstance(part, nn.Conv2d):
                nn.init.kaiming_normal_(part.weight, nonlinearity="relu")
        self.classifier = nn.Linear(channels, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.features(x).mean((2, 3)))


@pytest.fixture(scope="module")
def vgg() -> VisionModel:
    network = Network(seeded(SmallVgg), 3, 64, 64)
    preprocessing, recommended = (
        Preprocessing(64, 64, "bilinear", MEAN, STD),
        find_model("vgg19").recommended,
    )
    return VisionModel(
        "vgg19", network, preprocessing, tuple("abcdefghij"), "sha256:small", recommended
    )


@pytest.fixture(scope="module")
def tiny() -> VisionModel:
    return wide_model()


def activations(image: Image.Image, index: int) -> Tensor:
    """Return the output of that part of the eager VGG, (C, places)."""
    x = torch.from_numpy(np.array(image, dtype=np.float32) / 255).permute(2, 0, 1)
    x = (x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None]
    with torch.no_grad():
        return seeded(SmallVgg).features[: index + 1](x[None])[0].flatten(1)


def published(image: Image.Image) -> dict[str, float]:
    """Return Gatys' losses: content at relu4_2, style at relu1_1 … relu5_1, weights 1000/n²."""
    style = STYLE.resize((64, 64), Image.Resampling.LANCZOS)
    distance = activations(image, 22) - activations(CONTENT, 22)
    losses = {"content features.22": float(distance.square().mean())}
    for index in (1, 6, 11, 20, 29):
        f, a = activations(image, index), activations(style, index)
        n = len(f)
        difference = f @ f.T / f.shape[1] - a @ a.T / a.shape[1]
        losses[f"style features.{index}"] = 1000 / n**2 * float(difference.square().mean())
    return losses


def test_the_published_layers_are_the_relus_of_that_name() -> None:
    """VGG's names count convolutions block by block; torchvision's count modules."""
    for model, plan in (("vgg16", "D"), ("vgg19", "E")):
        named, index, block, number = {}, 0, 1, 0
        for width in torchvision.models.vgg.cfgs[plan]:
            if width == "M":
                index, block, number = index + 1, block + 1, 0
            else:
                number += 1
                named[f"relu{block}_{number}"] = f"features.{index + 1}"
                index += 2
        for name in (model, f"timm:{model}", f"timm:{model}.tv_in1k"):
            recommended = find_model(name).recommended
            assert recommended["style_transfer.content"] == named["relu4_2"]
            assert [recommended[f"style_transfer.style_{i}"] for i in range(1, 6)] == [
                named[f"relu{i}_1"] for i in range(1, 6)
            ]


def test_the_losses_of_vgg_are_the_published_ones(vgg: VisionModel) -> None:
    summary, context = paint(vgg, optimizer="adam")
    assert (summary.recipe, summary.layers_from) == ("gatys", "recommended")
    assert summary.losses_of_content == pytest.approx(published(CONTENT), rel=1e-4)
    after = Image.open(io.BytesIO(context.files["image.png"]))
    assert summary.losses_after == pytest.approx(published(after), rel=1e-4)
    assert {name: values[0] for name, values in curve(context).items()} == pytest.approx(
        summary.losses_of_content
    )


def test_the_first_adam_step_follows_the_gradient_of_the_published_loss(vgg: VisionModel) -> None:
    """Adam's first step is rate · sign(gradient), compared wherever the gradient is not tiny."""
    _, context = paint(vgg, optimizer="adam", steps=1, rate=0.1)
    x = (
        torch.from_numpy(np.array(CONTENT, dtype=np.float32) / 255)
        .permute(2, 0, 1)
        .requires_grad_()
    )
    normalized = ((x - torch.tensor(MEAN)[:, None, None]) / torch.tensor(STD)[:, None, None])[None]
    style, loss, features = (
        STYLE.resize((64, 64), Image.Resampling.LANCZOS),
        torch.zeros(()),
        normalized,
    )
    for index, part in enumerate(seeded(SmallVgg).features):
        features = part(features.clone())
        if index in (1, 6, 11, 20, 29):
            f, a = features[0].flatten(1), activations(style, index)
            gap = f @ f.T / f.shape[1] - a @ a.T / a.shape[1]
            loss = loss + 1000 / len(f) ** 2 * gap.square().mean()
    (gradient,) = torch.autograd.grad(loss, x)
    expected = (x.detach() - 0.1 * gradient.sign()).clamp(0, 1) * 255
    clear = gradient.abs() > 1e-3 * gradient.abs().max()
    off = (made(context).permute(2, 0, 1) - expected).abs()[clear]
    assert clear.double().mean() > 0.9
    assert off.max() <= 0.51


@pytest.mark.parametrize("optimizer", ["lbfgs", "adam"])
@pytest.mark.parametrize("name", ["vgg", "tiny"])
def test_the_style_comes_and_the_content_stays(
    name: str, optimizer: str, request: pytest.FixtureRequest
) -> None:
    summary, _ = paint(request.getfixturevalue(name), optimizer=optimizer, steps=25)
    before, after = summary.losses_of_content, summary.losses_after
    style = [part for part in before if part.startswith("style")]
    content = [part for part in before if part.startswith("content")]
    assert sum(after[part] for part in style) < 0.5 * sum(before[part] for part in style)
    assert all(before[part] == pytest.approx(0, abs=1e-9) for part in content)


def test_the_content_weight_holds_the_content(tiny: VisionModel) -> None:
    (content,) = [name for name in paint(tiny)[0].losses_after if name.startswith("content")]
    loose, tight = (
        paint(tiny, steps=20, scales=1, content_weight=weight)[0].losses_after[content] / weight
        for weight in (0.01, 1000)
    )
    assert tight < 0.2 * loose


@pytest.mark.parametrize("start", ["content", "noise", "style"])
def test_the_picture_starts_from_content_noise_or_style(vgg: VisionModel, start: str) -> None:
    """The first step is too small to see."""
    _, context = paint(vgg, start=start, steps=1, optimizer="adam", rate=1e-6)
    seen = made(context) / 255
    if start == "noise":
        assert seen.mean((0, 1)).tolist() == pytest.approx(MEAN, abs=0.01)
        assert seen.std((0, 1)).tolist() == pytest.approx([0.2 * std for std in STD], rel=0.1)
    else:
        wanted = (
            CONTENT
            if start == "content"
            else STYLE.resize((64, 64), Image.Resampling.BICUBIC).crop((0, 8, 64, 56))
        )
        assert (seen - torch.from_numpy(np.array(wanted) / 255)).abs().mean() < 0.01


@pytest.mark.slow
def test_no_stripe_at_the_edge(default_model: VisionModel) -> None:
    """Rows and columns at the edge differ from their neighbours no more than elsewhere."""
    content, style = (
        Image.open(io.BytesIO(photograph(name))).convert("RGB") for name in ("coffee", "ihc")
    )
    params = StyleTransferParams(seed=0, size=128, steps=30).resolved(find_model(DEFAULT_MODEL))
    context = Recording()
    execute("style_transfer", params, default_model, {"content": content, "style": style}, context)
    for axis in (0, 1):
        steps = made(context).diff(dim=axis).abs().mean((1 - axis, 2))
        for edge in (steps[:4], steps[-4:]):
            assert edge.mean() < 1.25 * steps.median()


def test_keep_colours_paints_the_luminance_only(tiny: VisionModel) -> None:
    _, context = paint(tiny, keep_colours=True, steps=20, scales=2)
    rgb_to_yiq = torch.tensor(
        [[0.299, 0.587, 0.114], [0.596, -0.274, -0.322], [0.211, -0.523, 0.312]]
    ).double()
    found, content = made(context), torch.from_numpy(np.array(CONTENT)).double()
    inside = ((found > 0) & (found < 255)).all(2)
    moved = ((found - content) @ rgb_to_yiq.T)[inside]
    assert inside.double().mean() > 0.8
    assert moved[:, 1:].abs().max() < 1  # rounding to 8 bits
    assert moved[:, 0].abs().mean() > 4


def test_keep_colours_reads_no_hue(tiny: VisionModel) -> None:
    grey, grey_style = (image.convert("L").convert("RGB") for image in (CONTENT, STYLE))
    expected = paint(tiny, keep_colours=True, steps=1)[0].losses_of_content
    # The palette's loss for a mean of greys that are rounded to 8 bits.
    rounded = 100 * (0.5 / 255) ** 2 / (64 * 48)
    for pictures in ({"content": grey}, {"content": CONTENT}):
        found = paint(tiny, grey_style, keep_colours=True, steps=1, **pictures)[0].losses_of_content
        assert found == pytest.approx(expected, rel=0.03, abs=rounded)
    coloured = paint(tiny, steps=1)[0].losses_of_content
    assert coloured["style conv1"] != pytest.approx(expected["style conv1"], rel=0.1)


def test_style_weights_share_the_style(tiny: VisionModel) -> None:
    both, context = paint(tiny, STYLE, STYLE_2, style_weights="3, 1")
    assert both.style_weights == [0.75, 0.25]
    _, alone = paint(tiny, STYLE)
    _, first = paint(tiny, STYLE, STYLE_2, style_weights="1, 0")
    assert {name: pytest.approx(values) for name, values in curve(alone).items()} == curve(first)
    assert context.files["image.png"] != first.files["image.png"]
    assert paint(tiny, STYLE, STYLE_2)[0].style_weights == [0.5, 0.5]
    with pytest.raises(InvalidParameters, match="2 weights do not fit 1 styles"):
        paint(tiny, STYLE, style_weights="1, 1")


def test_average_pooling_is_reported_or_refused(vgg: VisionModel, tiny: VisionModel) -> None:
    averaged, context = paint(vgg, pooling="average")
    assert averaged.max_pools_replaced == 5
    assert paint(vgg)[1].files["image.png"] != context.files["image.png"]
    with pytest.raises(NoMaxPooling):
        paint(tiny_model(EveryRelu), pooling="average")


def test_layers_by_depth_by_request_and_wrong_ones(tiny: VisionModel) -> None:
    summary, _ = paint(tiny)
    assert summary.layers_from == "depth" and summary.recipe == "normalized"
    assert summary.content_layers and len(summary.style_layers) > 2
    asked, context = paint(tiny, content_layers="conv3", style_layers=" relu1 ,conv2")
    assert (asked.layers_from, asked.content_layers, asked.style_layers) == (
        "request",
        ["conv3"],
        ["relu1", "conv2"],
    )
    assert set(curve(context)) == {
        "content conv3",
        "style relu1",
        "style conv2",
        "tv",
        "palette",
    }
    with pytest.raises(LayerWithoutMap, match="head"):
        paint(tiny, content_layers="head")


def test_more_style_weight_matches_the_style_better(tiny: VisionModel) -> None:
    """From 1 to 1,000,000 the saved picture's style loss falls, and it is the optimizer's."""
    matched = []
    for weight in (1, 30, 1000, 1e6):
        summary, context = paint(tiny, steps=60, style_weight=weight)
        before, after = summary.losses_before_rounding, summary.losses_after
        style = [part for part in after if part.startswith("style")]
        assert sum(after[part] for part in style) == pytest.approx(
            sum(before[part] for part in style), rel=0.2
        )
        assert sum(after.values()) == pytest.approx(
            sum(values[-1] for values in curve(context).values()), rel=0.2
        )
        matched.append(sum(after[part] for part in style) / weight)
    for less, more in itertools.pairwise(matched):
        assert more < 1.1 * less
    assert matched[-1] < 0.5 * matched[0]


@pytest.mark.parametrize(
    "asked",
    [
        {"keep_colours": True, "start": "noise"},
        {"optimizer": "adam", "start": "style"},
        {"pooling": "average"},
    ],
)
def test_a_run_stopped_anywhere_resumes_to_the_same_bytes(
    tiny: VisionModel, asked: dict[str, Any]
) -> None:
    summary, whole = paint(tiny, steps=5, scales=2, **asked)
    for stop in range(2, 9):
        stopped = Recording(stop_at=stop)
        with pytest.raises(Stopped):
            paint(tiny, steps=5, scales=2, context=stopped, **asked)
        again, resumed = paint(
            tiny, steps=5, scales=2, context=Recording(saved=stopped.saved), **asked
        )
        assert again == summary
        assert resumed.files == whole.files


def test_on_the_default_model_the_picture_takes_the_palette(
    default_model: VisionModel, coffee: bytes
) -> None:
    blue = Image.fromarray(
        (np.asarray(photo(96, 96, seed=4)) // (4, 2, 1)).astype(np.uint8)
    ).convert("RGB")
    entry = find_model(DEFAULT_MODEL)
    params = StyleTransferParams(seed=1, size=96, steps=12, scales=1).resolved(entry)
    context, cup = Recording(), Image.open(io.BytesIO(coffee)).convert("RGB")
    summary = execute(
        "style_transfer", params, default_model, {"content": cup, "style": blue}, context
    )
    assert summary.layers_from == "recommended"
    colours = made(context).mean((0, 1))
    wanted, had = (torch.from_numpy(np.array(image).mean((0, 1))) for image in (blue, cup))
    assert (colours - wanted).norm() < 0.2 * (had - wanted).norm()
