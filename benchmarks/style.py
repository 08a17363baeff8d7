"""Compare the style transfer's optimization with the plain recipe, from the same start.

    .venv/bin/python -m benchmarks.style

The plain recipe is written here again from the paper: the eager network with hooks, its own losses,
and torch's L-BFGS as neural-style-pt calls it (rate 1, one call, a hundred remembered pairs). The
path of torch's L-BFGS depends on the scale of the loss. The plain recipe therefore runs twice, with
a loss of 100 and of 100,000 at the start, and the better run counts. Both compute their losses
themselves, and agree at the start to a thousandth. The plain recipe does not bound its pixels; its
picture is cut off at 0 and 1 as it would be saved. Our final loss must be at most 1.05 times its.
"""

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torchvision
from PIL import Image
from torch import Tensor, nn

from catalog.models import ModelEntry, find_model
from catalog.style_layers import CONTENT, STYLE, recommended_layers
from catalog.techniques.style_transfer import FRAMES, StyleTransferParams, StyleTransferSummary
from retinoscope.demo_plan import photograph
from workers.execute import execute
from workers.models.load import load_model
from workers.toolkit.execution.context import LocalContext
from workers.toolkit.images.decode import decode
from workers.toolkit.images.picture import from_image, pad_by_reflection
from workers.toolkit.images.preprocessing import Preprocessing
from workers.toolkit.images.recolour import match_colours
from workers.toolkit.network.network import Network
from workers.toolkit.network.vision_model import VisionModel

PAIRS = (("coffee", "ihc"), ("chelsea", "coffee"), ("astronaut", "hubble_deep_field"))
MOST = 1.05
BEGIN = (1e2, 1e5)
Loss = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Case:
    """One model and its recipe. Layers are names of the eager modules."""

    model: VisionModel
    entry: ModelEntry
    recipe: str
    content_layer: str
    style_layers: tuple[str, ...]

    @classmethod
    def of(cls, model: VisionModel, entry: ModelEntry, recipe: str) -> "Case":
        [content] = recommended_layers(entry.recommended, CONTENT)
        return cls(model, entry, recipe, content, recommended_layers(entry.recommended, STYLE))


def main() -> int:
    options = _options()
    torch.set_num_threads(2)
    print(
        "| model, recipe | content, style | size | steps | at the start | plain | ours "
        "| ours / plain |"
    )
    print("|---|---|---|---|---|---|---|---|")
    worst = 0.0
    for case, size in ((lite(), options.size), (vgg(), options.vgg_size)):
        for content, style in PAIRS[: options.pairs]:
            pictures = [decode(photograph(name)) for name in (content, style)]
            start, plain, own = compared(
                case, *(_sized(picture, size) for picture in pictures), size, options.steps
            )
            worst = max(worst, own / plain)
            numbers = f"{start:.4g} | {plain:.4g} | {own:.4g} | {own / plain:.3f}"
            print(
                f"| {case.model.name}, {case.recipe} | {content}, {style} | {size} "
                f"| {options.steps} | {numbers} |"
            )
            sys.stdout.flush()
    return int(worst > MOST)


def lite() -> Case:
    entry = find_model("efficientnet_lite0")
    return Case.of(load_model(entry, torch.device("cpu")), entry, "normalized")


def vgg() -> Case:
    """Return VGG19's features with random weights, for the published recipe.

    The published weights may not be at hand.
    """
    torch.manual_seed(0)
    module = torchvision.models.vgg19(weights=None)
    module.classifier = nn.Linear(512 * 7 * 7, 10)
    entry = find_model("vgg19")
    preprocessing = Preprocessing(
        64, 64, "bilinear", entry.preprocessing.mean, entry.preprocessing.std
    )
    labels = tuple("abcdefghij")
    model = VisionModel(
        "vgg19", Network(module, 3, 64, 64), preprocessing, labels, "random", entry.recommended
    )
    return Case.of(model, entry, "gatys")


def compared(
    case: Case, content: Image.Image, style: Image.Image, size: int, steps: int
) -> tuple[float, float, float]:
    """Return the loss at the start, after the plain run, and after ours."""
    width = min(FRAMES[case.recipe], min(content.size) // 6)
    photo, model = pad_by_reflection(from_image(content), width), from_image(style)
    loss, start = (published if case.recipe == "gatys" else normalized)(case, photo, model)
    at_start = float(loss(start))
    plain = min(run_plain(loss, start, steps, begin / at_start) for begin in BEGIN)
    own_start, own = run_ours(case, content, style, size, steps)
    assert abs(own_start / at_start - 1) < 1e-3, (own_start, at_start)
    return at_start, plain, own


def run_plain(loss: Loss, start: Tensor, steps: int, factor: float) -> float:
    """Minimize the loss times `factor`, and return the loss of the picture cut off at 0 and 1."""
    pixels = start.clone().requires_grad_()

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = factor * loss(pixels)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimizer = torch.optim.LBFGS(
        [pixels], lr=1, max_iter=steps, max_eval=steps, tolerance_grad=-1, tolerance_change=-1
    )
    optimizer.step(closure)  # type: ignore[no-untyped-call]
    with torch.no_grad():
        return float(loss(pixels.clamp(0, 1)))


def run_ours(
    case: Case, content: Image.Image, style: Image.Image, size: int, steps: int
) -> tuple[float, float]:
    """Return the technique's own loss at the start, and that of its picture before rounding."""
    fields: dict[str, Any] = {
        "recipe": case.recipe,
        "size": size,
        "steps": steps,
        "scales": 1,
        "seed": 0,
    }
    params = StyleTransferParams.model_validate(fields).resolved(case.entry)
    context = LocalContext(checkpoints=False)
    pictures = {"content": content, "style": style}
    summary = execute("style_transfer", params, case.model, pictures, context)
    assert isinstance(summary, StyleTransferSummary)
    parts = json.loads(context.files["curve.json"]).values()
    totals = [sum(step) for step in zip(*parts, strict=True)]
    assert len(totals) == steps
    return totals[0], sum(summary.losses_before_rounding.values())


def features(case: Case, picture: Tensor) -> dict[str, Tensor]:
    """Return eager outputs of the layers by name, each (1, C, H, W)."""
    layers = dict.fromkeys((case.content_layer, *case.style_layers))
    seen: dict[str, Tensor] = {}

    def keep(name: str) -> Callable[..., None]:
        return lambda part, given, output: seen.__setitem__(name, output.clone())

    handles = [
        case.model.network.module.get_submodule(name).register_forward_hook(keep(name))
        for name in layers
    ]
    try:
        case.model.network.module(case.model.preprocessing.normalize(picture))
    finally:
        for handle in handles:
            handle.remove()
    return seen


def gram(feature: Tensor) -> Tensor:
    return torch.einsum("ihw,jhw->ij", feature[0], feature[0]) / (
        feature.shape[2] * feature.shape[3]
    )


def published(case: Case, photo: Tensor, style: Tensor) -> tuple[Loss, Tensor]:
    """Return the loss of Gatys et al. 2016, and its start, which is the content.

    Content: mean (F − P)². Style: Σ 1000/n² · mean (G − A)².
    """
    with torch.no_grad():
        target = features(case, photo)[case.content_layer]
        grams = {name: gram(feature) for name, feature in features(case, style).items()}

    def loss(picture: Tensor) -> Tensor:
        seen = features(case, picture)
        total = (seen[case.content_layer] - target).square().mean()
        for name in case.style_layers:
            total = (
                total
                + 1000 / len(grams[name]) ** 2 * (gram(seen[name]) - grams[name]).square().mean()
            )
        return total

    return loss, photo


def normalized(case: Case, photo: Tensor, style: Tensor) -> tuple[Loss, Tensor]:
    """Return the loss of the recipe for any model, from its documentation, and its start.

    Channels and layers are weighted by their magnitudes.
    """
    with torch.no_grad():
        content = features(case, photo)
        grams = {name: gram(feature) for name, feature in features(case, style).items()}
    scale = {}
    for name, feature in content.items():
        power = (grams[name].diag() + feature.square().mean(dim=(0, 2, 3))) / 2
        scale[name] = 1 / (power + 0.05 * power.mean()).sqrt()
    colours = style[0].reshape(3, -1)
    mean, covariance = colours.mean(1), torch.cov(colours, correction=0)

    def loss(picture: Tensor) -> Tensor:
        seen, name = features(case, picture), case.content_layer
        s = scale[name][:, None, None]
        total = ((seen[name] - content[name]) * s).square().sum() / (
            content[name] * s
        ).square().sum()
        for name in case.style_layers:
            s = torch.outer(scale[name], scale[name])
            part = ((gram(seen[name]) - grams[name]) * s).square().sum() / (
                grams[name] * s
            ).square().sum()
            total = total + 300 / len(case.style_layers) * part
        across, down = picture.diff(dim=3).square().sum(), picture.diff(dim=2).square().sum()
        total = total + 150 * (across + down) / (picture.shape[2] * picture.shape[3])
        own = picture[0].reshape(3, -1)
        distance = (
            torch.cov(own, correction=0) - covariance
        ).square().sum() / covariance.square().sum().sqrt()
        return total + 900 * ((own.mean(1) - mean).square().sum() + distance)

    return loss, match_colours(photo, mean, covariance)


def _sized(image: Image.Image, side: int) -> Image.Image:
    factor = side / max(image.size)
    width, height = (round(length * factor) for length in image.size)
    return image.resize((width, height), Image.Resampling.LANCZOS)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--size", type=int, default=224, help="longer side, for efficientnet_lite0")
    parser.add_argument("--vgg-size", type=int, default=96)
    parser.add_argument("--pairs", type=int, default=len(PAIRS))
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
