"""Style transfer: repaint a photograph in the style of other images (Gatys et al. 2016).

There are one to four styles. The image is optimized until its features in the content layers match
those of the photograph, and the Gram matrices of its features in the style layers match those of
the styles. Recipe `gatys` has the published losses, for VGG. The loss of a content layer is the
mean of (F − P)², that of a style layer 1000/n² times the mean of (G − A)², where G = F Fᵀ / (H · W)
and n is the number of channels. The image starts as the content. The published weights belong to a
VGG whose filters were rescaled to a mean activation of 1, which is not true of torchvision's: if
the style is too weak or too strong, change `style_weight`.

Recipe `normalized` is for any model. Each channel is divided by its root mean square over content
and style, so that a few strong channels do not dominate (Gatys' rescaling, done for the given
images; Wang et al. 2021 found that it is needed). The loss of each layer is divided by the size of
its target, so that a weight means the same in every model. In addition, the mean and covariance of
the colours are matched to the style (`palette_weight`), to which a linear map brings the content
before the first step. A strong style is matched by a pattern of single pixels, unless smoothing
grows with it; therefore `tv_weight` and `palette_weight` follow `style_weight` if they are not
given. The padding of a network shows in the outermost rows of its maps. Therefore up to twelve
pixels beyond each edge (at most a sixth of the shorter side of the smallest size) are painted, too,
which begin as the mirrored content and are cut off at the end. A model whose layers take only one
size has no such frame.

With `keep_colours` only the luminance is painted, with grey styles that are matched to the
content's mean and contrast; hues stay those of the photograph (Gatys et al. 2016, Preserving Color
in Neural Artistic Style Transfer). With `scales` the image is optimized at several sizes, each
twice the size before. In both recipes the pixels are bounded to 0..1 while they are optimized, so
that what is saved is what was optimized. A model whose head takes one size only is cut off behind
the deepest layer that is read. No score of a class is used.
"""

import math
import re
from collections.abc import Mapping, Sequence, Set
from typing import Any, Literal, NoReturn

from pydantic import Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.models import ModelDescription, ModelEntry
from catalog.optimization import CURVE, MAX_SIDE
from catalog.style_layers import CONTENT, PUBLISHED, STYLE, bare_name, recommended_layers
from catalog.style_sizes import LEAST_SIDE, one_size_layer, one_size_refusal, scaled
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique

STYLES = ("style", "style_2", "style_3", "style_4")
# Fraction of `steps` at each larger size: Gatys' 500 and then 200.
LATER_STEPS = 0.4
MAX_STEP_PIXELS = 600 * 512**2
MAX_LAYERS = 12
# Pixels that are painted beyond each edge: padding shows in 2 to 4 pixels at the border of a map.
FRAMES = {"gatys": 0, "normalized": 12}

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
        "steps": 200,
        "scales": 2,
    },
}
# Style weight of recipe `normalized` that does not begin with the content: with a larger weight the
# content would not appear.
STYLE_WEIGHT_FROM_ELSEWHERE = 10.0
# Weights of recipe `normalized` that follow from the style's: (factor, least). With a smaller share
# of them the style is matched by a pattern of single pixels, in colours of its own.
TV_OF_STYLE, PALETTE_OF_STYLE = (0.5, 15.0), (3.0, 100.0)
MAX_WEIGHT = 1e9
# Longer sides below this have a single size: at half of them small things such as eyes are lost,
# and the larger size does not restore them.
TWO_SIZES_FROM = 256
RATES = {"lbfgs": 1.0, "adam": 0.02}

# A share of a style: digits of other scripts and `1_0` would be numbers for Python, too.
_NUMBER = re.compile(r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)(e[+-]?[0-9]{1,3})?", re.IGNORECASE)
_LAYERS = "By default the layers that the model recommends, otherwise layers chosen by depth."


class StyleTransferParams(Params):
    differentiates_by_image = True
    cost_advice = ("lower steps", "lower size", "lower scales")
    layers_need_maps = True

    recipe: Literal["gatys", "normalized"] | None = Field(
        None, description="By default `gatys` for VGG16 and VGG19, `normalized` for all others."
    )
    content_layers: str | None = Field(
        None,
        max_length=1000,
        description=f"Content layers, separated by commas. {_LAYERS}",
        examples=["blocks.2.1.bn1"],
    )
    style_layers: str | None = Field(
        None,
        max_length=1000,
        description=f"Style layers, separated by commas. {_LAYERS}",
        examples=["bn1, blocks.1.0.bn1"],
    )
    content_weight: float | None = Field(
        None, ge=0, le=MAX_WEIGHT, description="Weight of the content; 1 by default."
    )
    style_weight: float | None = Field(
        None,
        ge=0,
        le=MAX_WEIGHT,
        description=(
            "Weight of the style: 1 for gatys; for normalized 300, or 10 if `start` is noise or "
            "style."
        ),
    )
    tv_weight: float | None = Field(
        None,
        ge=0,
        le=MAX_WEIGHT,
        description=(
            "Weight of the total variation per pixel: 0 for gatys; for normalized half of "
            "`style_weight`, 15 at least."
        ),
    )
    palette_weight: float | None = Field(
        None,
        ge=0,
        le=MAX_WEIGHT,
        description=(
            "Weight of the mean and covariance of the colours: 0 for gatys; for normalized three "
            "times `style_weight`, 100 at least."
        ),
    )
    style_weights: str | None = Field(
        None,
        max_length=200,
        description=(
            "Weights of the styles relative to each other, one for each, separated by commas."
        ),
        examples=["1, 0.5"],
    )
    start: Literal["content", "noise", "style"] = Field(
        "content", description="The image with which the first size begins."
    )
    pooling: Literal["max", "average"] = Field(
        "max", description="`average` replaces the max pooling of the model by average pooling."
    )
    keep_colours: bool = Field(False, description="Paint only the luminance.")
    optimizer: Literal["lbfgs", "adam"] = Field(
        "lbfgs", description="The optimizer. A step of lbfgs is one iteration of L-BFGS."
    )
    rate: float | None = Field(
        None,
        gt=0,
        le=10,
        description="Learning rate: 1 for lbfgs; 0.02, for pixels in 0..1, for adam.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=4096,
        description=(
            "Number of steps at the first size; 0.4 times as many at each other size. 500 for "
            "gatys, "
            "200 for normalized."
        ),
    )
    scales: int | None = Field(
        None,
        ge=1,
        le=3,
        description=(
            "Number of sizes, each twice the size before: 1 for gatys; for normalized 2, or 1 if "
            "`size` is below 256."
        ),
    )
    size: int | None = Field(
        None,
        ge=16,
        le=MAX_SIDE,
        description=(
            "Longer side in pixels. By default 512, or four times the input of a small model "
            "(three times below 16 pixels)."
        ),
    )
    style_scale: float = Field(
        1.0,
        ge=0.1,
        le=2,
        description=(
            "Longer side of each style, relative to `size`. A smaller style gives finer strokes."
        ),
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
            "size": _default_size(model.input_size),
            **RECIPES[recipe],
        }
        if recipe == "normalized":
            defaults |= self._normalized_weights()
        if (self.size or defaults["size"]) < TWO_SIZES_FROM:
            defaults["scales"] = 1
        return self.with_defaults(ResolvedStyleTransfer, defaults)

    def _normalized_weights(self) -> dict[str, float]:
        """Return the default weights of recipe `normalized`."""
        from_content = RECIPES["normalized"]["style_weight"]
        default = from_content if self.start == "content" else STYLE_WEIGHT_FROM_ELSEWHERE
        style = default if self.style_weight is None else self.style_weight
        tv, palette = (
            min(MAX_WEIGHT, max(least, factor * style))
            for factor, least in (TV_OF_STYLE, PALETTE_OF_STYLE)
        )
        return {"style_weight": style, "tv_weight": tv, "palette_weight": palette}

    def validate_inputs(self, sent: Set[str]) -> None:
        self.shares(sum(name in sent for name in STYLES))

    def shares(self, count: int | None = None) -> list[float]:
        """Return the weights of the styles with sum 1, which are equal if none are given.

        Raises InvalidParameters.
        """
        if self.style_weights is None:
            return [1 / (count or 1)] * (count or 1)
        texts = [text.strip() for text in self.style_weights.split(",")]
        if not all(map(_NUMBER.fullmatch, texts)):
            _refuse(
                "style_weights", "Write numbers separated by commas, one for each style: 1, 0.5."
            )
        weights = [float(text) for text in texts]
        if not all(0 <= weight <= 1e6 for weight in weights) or sum(weights) <= 0:
            _refuse("style_weights", "Weights are from 0 to 1000000, and at least one is above 0.")
        if not 1 <= len(weights) <= len(STYLES) or len(weights) != (count or len(weights)):
            _refuse(
                "style_weights",
                f"{len(weights)} weights do not fit {count or 'up to four'} styles. Send one for "
                f"each.",
            )
        return [weight / math.fsum(weights) for weight in weights]


class ResolvedStyleTransfer(StyleTransferParams):
    """Parameters with every default filled in.

    Layers that are None, because the model recommends none, are chosen by depth.
    """

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

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        self.shares()
        if not (self.content_weight or self.style_weight or self.palette_weight):
            _refuse(
                "style_weight",
                "The weights of content, style and palette are all 0. Raise one.",
            )
        for field in ("content_layers", "style_layers"):
            if (
                getattr(self, field) is not None
                and not 0 < len(names(getattr(self, field))) <= MAX_LAYERS
            ):
                _refuse(field, f"Name 1 to {MAX_LAYERS} layers, separated by commas.")
        cost = sum(steps * side**2 for side, steps in self.plan())
        if cost > MAX_STEP_PIXELS or self.size * self.style_scale > MAX_SIDE:
            message = (
                f"{self.steps} steps at {self.size} pixels cost too much. "
                "Lower steps, size or style_scale."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def validate_images(
        self,
        model: ModelEntry,
        sizes: Mapping[str, tuple[int, int]],
        description: ModelDescription,
    ) -> None:
        own = model.input_size
        read = names(self.content_layers), names(self.style_layers)
        if (fixed := one_size_layer(*read, description)) is None:
            return
        reason = f"size={self.size}, scales={self.scales}, style_scale={self.style_scale:g}"
        for name, (width, height) in sizes.items():
            for side, _ in self.plan():
                longer = round(side * self.style_scale) if name in STYLES else side
                if (painted := scaled(width, height, longer)) != (own, own):
                    raise one_size_refusal(fixed, own, name, painted, reason)

    def plan(self) -> list[tuple[int, int]]:
        """Return (longer side, steps) of each size, the smallest first."""
        later = max(1, round(LATER_STEPS * self.steps))
        return [
            (
                max(LEAST_SIDE, round(self.size / 2 ** (self.scales - 1 - i))),
                later if i else self.steps,
            )
            for i in range(self.scales)
        ]


class StyleTransferSummary(Summary):
    recipe: str = Field(description="The recipe that was used.")
    content_layers: list[str] = Field(description="Layers that keep the content.")
    style_layers: list[str] = Field(description="Layers whose Gram matrices are matched.")
    layers_from: Literal["request", "recommended", "depth"] = Field(
        description=(
            "Origin of the layers. With depth they are at fixed fractions of the model's depth."
        )
    )
    style_weights: list[float] = Field(description="Weights of the styles, with sum 1.")
    size: list[int] = Field(description="[width, height] of the result.")
    steps: int = Field(description="Number of steps at all sizes.")
    max_pools_replaced: int = Field(description="Number of max poolings that were replaced.")
    losses_of_content: dict[str, float] = Field(
        description="The parts of the loss for the content that was sent, in its frame."
    )
    losses_before_rounding: dict[str, float] = Field(
        description=(
            "The same for the result as it was optimized. curve.json ends with the losses before "
            "the last step."
        ),
    )
    losses_after: dict[str, float] = Field(
        description=(
            "The same for the result in 8 bits, which is image.png, and the frame that was painted "
            "around it."
        )
    )


def _default_size(input_size: int) -> int:
    # With four times an input below 16 pixels, the frame around the picture costs as much again.
    return max(16, min(512, (4 if input_size >= 16 else 3) * input_size))


def names(text: str | None) -> tuple[str, ...]:
    """Return the names in a text: (a, b) for `a, b`."""
    return tuple(dict.fromkeys(name.strip() for name in (text or "").split(",") if name.strip()))


def _refuse(field: str, message: str) -> NoReturn:
    raise InvalidParameters(message, [Violation(f"/{field}", message)])


TECHNIQUE = Technique(
    title="Style transfer",
    reference=(
        "Gatys, Ecker & Bethge 2016, Image Style Transfer Using Convolutional Neural Networks; "
        "Gatys et al. 2016, Preserving Color in Neural Artistic Style Transfer; "
        "Wang et al. 2021, Rethinking and Improving the Robustness of Image Style Transfer"
    ),
    score="none",
    params=StyleTransferParams,
    resolved=ResolvedStyleTransfer,
    summary=StyleTransferSummary,
    inputs=(
        InputSpec("content", "The photograph to repaint. Its proportions are kept."),
        *(
            InputSpec(name, f"Style {i}: an image in the style to use.", required=i == 1)
            for i, name in enumerate(STYLES, 1)
        ),
    ),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The result, `size` pixels on its longer side."),
        CURVE,
    ),
    queue="slow",
    example={"steps": 12, "size": 128},
)
