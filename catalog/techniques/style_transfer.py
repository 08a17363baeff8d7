"""Style transfer: repaint a photograph in the palette and strokes of one to four other pictures (Gatys et al. 2016).

The picture is optimized until its features in the content layers are the photograph's, and the Gram matrices of its
features in the style layers are the styles'. Recipe `gatys` has the published losses, for VGG: content layers pay the
mean of (F − P)², style layers 1000/n² times the mean of (G − A)², G = F Fᵀ / (H · W), n channels; the picture starts as
the content. Published weights go with a VGG whose filters were rescaled to a mean activation of 1, which torchvision's
are not: if the style is too weak or strong, change `style_weight`.

Recipe `normalized` is for any model. Each channel is divided by its root mean square over content and style, so that a
few strong channels do not decide (Gatys' rescaling, done for the given pictures; Wang et al. 2021 found the need for
it). Each layer's loss is divided by its target's size, so that weights mean the same in every model. Besides,
mean and covariance of the pixels' colours follow the style (`palette_weight`): the content is brought to them by a
linear map before the first step. What leaves 0..1 pays. Up to twelve pixels beyond each
edge (a sixth of the shorter side of the smallest size), at first the mirrored content, are painted too and cut off at
the end: the padding of a network shows in the outermost rows. A model that takes one size only has no such frame.

With `keep_colours` only the luminance is painted, with styles in grey brought to the content's mean and contrast; hue
stays the photograph's (Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer). Sizes grow from one
optimization to the next, each twice the last. No score of a class is read.
"""

import math
from collections.abc import Set
from typing import Any, Literal, NoReturn

from pydantic import Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.models import ModelEntry
from catalog.optimization import CURVE, MAX_SIDE
from catalog.style_layers import CONTENT, PUBLISHED, STYLE, bare_name, recommended_layers
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique

STYLES = ("style", "style_2", "style_3", "style_4")
LATER_STEPS = 0.4  # of `steps`, at each larger size: Gatys' 500 and then 200
MAX_STEP_PIXELS = 600 * 512**2
MAX_LAYERS = 12
FRAMES = {
    "gatys": 0,
    "normalized": 12,
}  # pixels painted beyond each edge; stripes at a map's border are 2 to 4 wide

RECIPES: dict[str, dict[str, Any]] = {
    "gatys": {
        "content_weight": 1.0,
        "style_weight": 1.0,
        "tv_weight": 0.0,
        "palette_weight": 0.0,
        "steps": 500,
        "scales": 1,
    },
    "normalized": {
        "content_weight": 1.0,
        "style_weight": 300.0,
        "tv_weight": 15.0,
        "palette_weight": 100.0,
        "steps": 200,
        "scales": 2,
    },
}
STYLE_WEIGHT_FROM_ELSEWHERE = (
    10.0  # of normalized, not beginning with the content: with more, nothing brings it in
)
# Pixels: half as many have lost what is small, such as eyes, and the larger size does not bring it back. Of less than
# 64 nothing is to be seen anyway, and two sizes cost less.
SMALL = range(64, 256)
RATES = {"lbfgs": 1.0, "adam": 0.02}

_LAYERS = "The model's recommended ones, or by depth, if not given."


class StyleTransferParams(Params):
    cost_advice = ("lower steps", "lower size", "lower scales")
    layers_need_maps = True

    recipe: Literal["gatys", "normalized"] | None = Field(
        None, description="`gatys` for VGG16 and VGG19, `normalized` for all others by default."
    )
    content_layers: str | None = Field(
        None,
        max_length=1000,
        description=f"Separated by commas. {_LAYERS}",
        examples=["blocks.2.1.bn1"],
    )
    style_layers: str | None = Field(
        None,
        max_length=1000,
        description=f"Separated by commas. {_LAYERS}",
        examples=["bn1, blocks.1.0.bn1"],
    )
    content_weight: float | None = Field(None, ge=0, le=1e9, description="1.")
    style_weight: float | None = Field(
        None,
        ge=0,
        le=1e9,
        description="1 for gatys; for normalized 300, or 10 where `start` is noise or style.",
    )
    tv_weight: float | None = Field(
        None,
        ge=0,
        le=1e9,
        description="Of the total variation per pixel: 0 for gatys, 15 for normalized.",
    )
    palette_weight: float | None = Field(
        None,
        ge=0,
        le=1e9,
        description="Of mean and covariance of the colours: 0 for gatys, 100 for normalized.",
    )
    style_weights: str | None = Field(
        None,
        max_length=200,
        description="One for each style, as shares of the whole.",
        examples=["1, 0.5"],
    )
    start: Literal["content", "noise", "style"] = Field(
        "content", description="Where the first size begins."
    )
    pooling: Literal["max", "average"] = Field(
        "max", description="`average` puts average pooling in the place of the model's max pooling."
    )
    keep_colours: bool = Field(False, description="Paint the luminance only.")
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs", description="One step is one L-BFGS iteration."
    )
    rate: float | None = Field(
        None, gt=0, le=10, description="1 for lbfgs; 0.02, in 0..1, for adam."
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="At the first size; 0.4 of it at each other. 500 for gatys, 200 for normalized.",
    )
    scales: int | None = Field(
        None,
        ge=1,
        le=3,
        description="Sizes, each twice the last; 1 for gatys; for normalized 2, or 1 where `size` is 64 to 255.",
    )
    size: int | None = Field(
        None,
        ge=16,
        le=MAX_SIDE,
        description="Longer side in pixels; 512, or four times a small model's own.",
    )
    style_scale: float = Field(
        1.0,
        ge=0.1,
        le=2,
        description="Longer side of each style as a part of `size`: smaller is finer strokes.",
    )

    def named_layers(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys((*names(self.content_layers), *names(self.style_layers))))

    def resolved(self, model: ModelEntry) -> "ResolvedStyleTransfer":
        recipe = self.recipe or ("gatys" if bare_name(model.name) in PUBLISHED else "normalized")
        defaults = {
            "recipe": recipe,
            "content_layers": ", ".join(recommended_layers(model.recommended, CONTENT)) or None,
            "style_layers": ", ".join(recommended_layers(model.recommended, STYLE)) or None,
            "rate": RATES[self.optimizer],
            "size": max(16, min(512, 4 * model.input_size)),
            **RECIPES[recipe],
        }
        if recipe == "normalized" and self.start != "content":
            defaults["style_weight"] = STYLE_WEIGHT_FROM_ELSEWHERE
        if (self.size or defaults["size"]) in SMALL:
            defaults["scales"] = 1
        return self.with_defaults(ResolvedStyleTransfer, defaults)

    def check_inputs(self, sent: Set[str]) -> None:
        self.shares(sum(name in sent for name in STYLES))

    def shares(self, count: int | None = None) -> list[float]:
        """The weights of the styles, of sum 1; equal ones if none are given. Raises InvalidParameters."""
        if self.style_weights is None:
            return [1 / (count or 1)] * (count or 1)
        try:
            weights = [float(text) for text in self.style_weights.split(",")]
        except ValueError:
            _refuse(
                "style_weights", "Write numbers separated by commas, one for each style: 1, 0.5."
            )
        if not all(0 <= weight <= 1e6 for weight in weights) or sum(weights) <= 0:
            _refuse("style_weights", "Weights are from 0 to 1000000, and one at least is above 0.")
        if not 1 <= len(weights) <= len(STYLES) or len(weights) != (count or len(weights)):
            _refuse(
                "style_weights",
                f"{len(weights)} weights do not fit {count or 'up to four'} styles; send one each.",
            )
        return [weight / math.fsum(weights) for weight in weights]


class ResolvedStyleTransfer(StyleTransferParams):
    """Style transfer's parameters with nothing left to default but the layers."""

    recipe: Literal["gatys", "normalized"]
    content_weight: float
    style_weight: float
    tv_weight: float
    palette_weight: float
    rate: float
    steps: int
    scales: int
    size: int

    def estimated_passes(self, model: ModelEntry) -> int:
        frame = min(FRAMES[self.recipe], min(side for side, _ in self.plan()) // 6)
        return math.ceil(
            sum(steps * (side + 2 * frame) ** 2 for side, steps in self.plan())
            / model.input_size**2
        )

    def check_model(self, model: ModelEntry) -> None:
        self.shares()
        if not (self.content_weight or self.style_weight or self.palette_weight):
            _refuse(
                "style_weight",
                "Without weights of content, style and palette there is nothing to paint. Raise one.",
            )
        for field in ("content_layers", "style_layers"):
            if (
                getattr(self, field) is not None
                and not 0 < len(names(getattr(self, field))) <= MAX_LAYERS
            ):
                _refuse(field, f"Name 1 to {MAX_LAYERS} layers, separated by commas.")
        cost = sum(steps * side**2 for side, steps in self.plan())
        if cost > MAX_STEP_PIXELS or self.size * self.style_scale > MAX_SIDE:
            message = f"{self.steps} steps at {self.size} pixels cost too much. Lower steps, size or style_scale."
            raise TooExpensive(message, [Violation("/steps", message)])

    def plan(self) -> list[tuple[int, int]]:
        """Return (longer side, steps) of each size, the smallest first."""
        later = max(1, round(LATER_STEPS * self.steps))
        return [
            (max(8, round(self.size / 2 ** (self.scales - 1 - i))), later if i else self.steps)
            for i in range(self.scales)
        ]


class StyleTransferSummary(Summary):
    recipe: str
    content_layers: list[str]
    style_layers: list[str]
    layers_from: Literal["request", "recommended", "depth"] = Field(
        description="Who named the layers; depth: nobody, they lie at fixed parts of the model's depth."
    )
    style_weights: list[float] = Field(description="The styles' shares.")
    size: list[int] = Field(description="[width, height] of the picture.")
    steps: int = Field(description="At all sizes.")
    max_pools_replaced: int = Field(description="How many max poolings became average poolings.")
    losses_of_content: dict[str, float] = Field(
        description="The parts of the loss, of the content as it was sent, in its frame."
    )
    losses_after: dict[str, float] = Field(
        description="The same, of the 8-bit picture and the frame that was painted around it."
    )


def names(text: str | None) -> tuple[str, ...]:
    """`a, b` → (a, b)"""
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidParameters(message, [Violation(f"/{field}", message)])


TECHNIQUE = Technique(
    title="Style transfer",
    reference=(
        "Gatys, Ecker & Bethge 2016, Image Style Transfer Using Convolutional Neural Networks; Gatys et al. 2016, "
        "Preserving Color in Neural Artistic Style Transfer; Wang et al. 2021, Rethinking and Improving the Robustness "
        "of Image Style Transfer"
    ),
    score="none",
    params=StyleTransferParams,
    resolved=ResolvedStyleTransfer,
    summary=StyleTransferSummary,
    inputs=(
        InputSpec("content", "What is painted; its proportions are kept."),
        *(
            InputSpec(name, f"How it is painted: style {i}.", required=i == 1)
            for i, name in enumerate(STYLES, 1)
        ),
    ),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The picture, `size` pixels on its longer side."),
        CURVE,
    ),
    queue="slow",
    example={"steps": 12, "size": 128},
)
