"""Is the style transfer's optimization as good as the plain recipe's? Same weights, pictures, start and steps.

    .venv/bin/python -m benchmarks.style

The plain one is written here again from the paper: the eager network with hooks, its own losses, and torch's L-BFGS as
neural-style-pt calls it (rate 1, one call, a hundred remembered pairs). torch's L-BFGS goes other ways for other sizes
of the loss, so that the plain one runs twice, with a loss of a hundred and of 100,000 at the start, of which the better
run counts. Both say their losses themselves; they agree at the start to a thousandth. Ours must end at most 1.05
times as high as the plain one.
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
from catalog.techniques.style_transfer import FRAMES, StyleTransferParams
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
    """One model with its recipe. Layers are names of the eager modules."""

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
        "| model, recipe | content, style | size | steps | at the start | plain | ours | ours / plain |"
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
                f"| {case.model.name}, {case.recipe} | {content}, {style} | {size} | {options.steps} | {numbers} |"
            )
            sys.stdout.flush()
    return int(worst > MOST)


def lite() -> Case:
    entry = find_model("efficientnet_lite0")
    return Case.of(load_model(entry, torch.device("cpu")), entry, "normalized")


def vgg() -> Case:
    """VGG19's features with random weights: the published recipe, where the published weights are not at hand."""
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
    """The loss at the start, after the plain run, and after ours."""
    width = min(FRAMES[case.recipe], min(content.size) // 6)
    photo, model = pad_by_reflection(from_image(content), width), from_image(style)
    loss, start = (published if case.recipe == "gatys" else normalized)(case, photo, model)
    at_start = float(loss(start))
    plain = min(run_plain(loss, start, steps, begin / at_start) for begin in BEGIN)
    own_start, own = run_ours(case, content, style, size, steps)
    assert abs(own_start / at_start - 1) < 1e-3, (own_start, at_start)
    return at_start, plain, own


def run_plain(loss: Loss, start: Tensor, steps: int, factor: float) -> float:
    """The loss of the picture before the last step, where the loss times that factor is lowered."""
    pixels = start.clone().requires_grad_()
    seen: list[float] = []

    def closure() -> Tensor:
        optimizer.zero_grad()
        value = loss(pixels)
        (factor * value).backward()  # type: ignore[no-untyped-call]
        seen.append(float(value.detach()))
        return factor * value

    optimizer = torch.optim.LBFGS(
        [pixels], lr=1, max_iter=steps, max_eval=steps, tolerance_grad=-1, tolerance_change=-1
    )
    optimizer.step(closure)  # type: ignore[no-untyped-call]
    return seen[min(steps, len(seen)) - 1]


def run_ours(
    case: Case, content: Image.Image, style: Image.Image, size: int, steps: int
) -> tuple[float, float]:
    """The technique's own losses, of the start and of the picture before the last step."""
    fields: dict[str, Any] = {
        "recipe": case.recipe,
        "size": size,
        "steps": steps,
        "scales": 1,
        "seed": 0,
    }
    params = StyleTransferParams.model_validate(fields).resolved(case.entry)
    context = LocalContext(checkpoints=False)
    execute("style_transfer", params, case.model, {"content": content, "style": style}, context)
    parts = json.loads(context.files["curve.json"]).values()
    totals = [sum(step) for step in zip(*parts, strict=True)]
    assert len(totals) == steps
    return totals[0], totals[-1]


def features(case: Case, picture: Tensor) -> dict[str, Tensor]:
    """Eager outputs of the layers: (1, C, H, W)."""
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
    """Gatys et al. 2016: content mean (F − P)², style Σ 1000/n² · mean (G − A)², from the content."""
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
    """The recipe for any model, from its formulas in the documentation: channels and layers by their sizes."""
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
        total = total + 15 * (across + down) / (picture.shape[2] * picture.shape[3])
        own = picture[0].reshape(3, -1)
        distance = (
            torch.cov(own, correction=0) - covariance
        ).square().sum() / covariance.square().sum().sqrt()
        total = total + 100 * ((own.mean(1) - mean).square().sum() + distance)
        return total + 1000 * (picture - picture.clamp(0, 1)).square().mean()

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
