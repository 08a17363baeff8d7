"""DeepDream: change a photograph so that the network sees more of what it already sees in it.

The photograph is optimized in octaves, from the smallest to the largest size. Each octave begins
with the photograph at its size plus the detail that the octave before has added, and takes `steps`
normalized gradient steps. `targets` says what is maximized: a layer (the whole response, ½ mean
a²), a channel, or a class (its logit). Targets are separated by commas, each with an optional
weight: `blocks.3, blocks.4.0.conv_pw:20*0.5, class:285*-1`. A target with a negative weight is
avoided. Weights of different kinds of targets are comparable, because each target is divided by how
strongly its layer responds to the photograph. The default is the layer that the model recommends,
otherwise one at two thirds of its depth; the result says which.

With a `guide` image, layers move towards what they see in the guide, and not towards what they see
in the photograph.

An image of any shape, up to 1024 pixels wide or high, goes through the network in tiles of the
network's own size. The tiles overlap, blend into each other and are shifted at each step. Tiles
that show the same, as of a plain background, get noise of one level, so that no motif recurs. With
`zoom_frames` the dream continues: each frame is the frame before, slightly enlarged, and dreams
again. All frames are saved as an animated WebP.

A target that responds neither to the photograph nor to the result fails the job with the code
`unit_silent`.
"""

from collections.abc import Sequence, Set
from math import ceil

from pydantic import Field

from catalog.checks import refuse_unused
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import ExplainedTarget
from catalog.models import ModelEntry
from catalog.optimization import CURVE, MAX_SIDE
from catalog.prediction import PredictedClass
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique
from catalog.weighted_targets import POINTER, WeightedTarget, parse_weighted

# Steps × pixels that go through the network, in all octaves and frames.
MAX_STEP_PIXELS = 2**29
# Steps in all octaves and frames.
MAX_STEPS = 20_000
OCTAVE_SCALE, ZOOM = 1.4, 1.05
# Tiles overlap by their side divided by this.
OVERLAP = 8


class DeepDreamParams(Params):
    differentiates_by_image = True
    targets_at = POINTER
    cost_advice = ("lower steps", "lower size", "lower octaves", "lower zoom_frames")

    targets: str | None = Field(
        None,
        max_length=1000,
        description=(
            "What to maximize: `layer`, `layer:channel`, `class:285`, `class:Egyptian cat` or "
            "`top`. Separate several targets by commas, each with its weight if that is not 1: "
            "`blocks.3, class:285*-0.5`. By default the layer that the model recommends."
        ),
        examples=["blocks.4", "blocks.3, blocks.4.0.conv_pw:20*0.5"],
    )
    octaves: int = Field(4, ge=1, le=12, description="Number of sizes, from coarse to fine.")
    octave_scale: float = Field(
        OCTAVE_SCALE, ge=1.05, le=4, description="Ratio of the sizes of two octaves."
    )
    steps: int = Field(10, ge=1, le=500, description="Number of steps in each octave.")
    rate: float = Field(
        1.5,
        gt=0,
        le=100,
        description=(
            "Mean change of a pixel in a step, in levels of 0 to 255: rate · g / mean|g|."
        ),
    )
    jitter: int | None = Field(
        None,
        ge=0,
        le=256,
        description=(
            "Random shift at every step, in pixels. By default 32, less for small networks; 0 is "
            "none."
        ),
    )
    size: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description=(
            "Longer side of the result, in pixels. By default twice the side of the network's "
            "input."
        ),
    )
    tile: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description=("Side of a tile, in pixels. By default the side of the network's input."),
    )
    zoom_frames: int = Field(
        0,
        ge=0,
        le=120,
        description=(
            "Number of further frames, each of which enlarges the frame before and dreams again."
        ),
    )
    zoom: float = Field(
        ZOOM, gt=1, le=2, description="Factor by which each frame enlarges the frame before."
    )

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        return () if self.targets is None else parse_weighted(self.targets)

    def resolved(self, model: ModelEntry) -> "ResolvedDeepDream":
        side = model.input_size
        defaults = {
            "targets": model.recommended.get("deep_dream"),
            "jitter": min(32, side // 4),
            "size": min(2 * side, MAX_SIDE),
            "tile": side,
        }
        return self.with_defaults(ResolvedDeepDream, defaults)

    def validate_inputs(self, sent: Set[str]) -> None:
        units = [part.text == "top" or ":" in part.text for part in self.named_targets()]
        if "guide" in sent and units and all(units):
            message = "`guide` only affects layer targets. Add one, or remove `guide`."
            raise InvalidParameters(message, [Violation("/guide", message)])


class ResolvedDeepDream(DeepDreamParams):
    """Parameters with every default filled in.

    `targets` stays None for a model that recommends no layer. The layer is then chosen by depth.
    """

    jitter: int
    size: int
    tile: int

    def estimated_passes(self, model: ModelEntry) -> int:
        return ceil(self.step_pixels() / model.input_size**2)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        if self.octaves == 1:
            refuse_unused("octave_scale", self.octave_scale, OCTAVE_SCALE, "several octaves")
        if not self.zoom_frames:
            refuse_unused("zoom", self.zoom, ZOOM, "zoom_frames")
        smallest = self.size / self.octave_scale ** (self.octaves - 1)
        if smallest < 4:
            message = (
                f"The smallest of {self.octaves} octaves is {smallest:.1f} pixels wide. "
                "Lower octaves, or raise size."
            )
            raise InvalidParameters(message, [Violation("/octaves", message)])
        if (
            self.octaves * self.steps * (self.zoom_frames + 1) > MAX_STEPS
            or self.step_pixels() > MAX_STEP_PIXELS
        ):
            message = (
                f"{self.octaves} octaves of {self.steps} steps up to {self.size} pixels, "
                f"{self.zoom_frames + 1} times, cost too much. "
                "Lower steps, size, octaves or zoom_frames."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def step_pixels(self) -> float:
        """Return steps × pixels that go through the network, for a square image."""
        sides = [self.size / self.octave_scale**i for i in range(self.octaves)]
        return (
            self.steps
            * (self.zoom_frames + 1)
            * sum(_tiled(side, self.tile) ** 2 for side in sides)
        )


def _tiled(side: float, tile: int) -> int:
    """Return the length of a row of tiles that covers this many pixels, without overlaps."""
    return tile if side <= tile else tile * ceil(side / (tile - tile // OVERLAP))


class DreamTarget(SummaryPart):
    """A target, and how strongly the network responds to it."""

    target: ExplainedTarget
    weight: float = Field(description="Weight of the target; a negative one avoids it.")
    score: str = Field(
        description=(
            "What the score is: ½ mean square of a layer, mean of a channel, logit of a class, or "
            "similarity to the guide."
        )
    )
    score_before: float = Field(
        description="The score of the photograph at the size of the result."
    )
    score_after: float = Field(description="The score of the 8-bit result, image.png.")
    scale: float = Field(
        description=(
            "curve.json holds −weight · scale · score: `scale` is 1 over how strongly the layer "
            "responds to the photograph."
        ),
    )
    score_last_step: float = Field(
        description=(
            "The score that the last value in curve.json stands for: that of the picture before "
            "the last step, of the last frame if there are several, in tiles shifted at random. "
            "It differs from `score_after` by the step, the shift and the rounding to 8 bits."
        ),
    )


class DeepDreamSummary(Summary):
    targets: list[DreamTarget] = Field(
        description="The targets, in the order in which they were named."
    )
    layers_from: str = Field(
        description=(
            "Origin of the targets: given, recommended (by the model) or depth (from the graph)."
        )
    )
    guided: bool = Field(description="Whether a guide was sent.")
    octaves: list[list[int]] = Field(description="[height, width] of each octave, in their order.")
    tile: int = Field(description="Side of a tile, in pixels.")
    tiles: list[int] = Field(description="Number of tiles of each octave.")
    frames: int = Field(description="Number of frames of the animation; 0 without one.")
    predicted_before: PredictedClass = Field(
        description="The model's first prediction for the photograph."
    )
    predicted: PredictedClass = Field(
        description="The model's first prediction for the result, preprocessed like any photograph."
    )


TECHNIQUE = Technique(
    title="DeepDream",
    reference="Mordvintsev, Olah & Tyka 2015, Inceptionism: Going Deeper into Neural Networks",
    score="½ mean square of a layer; activation of a channel; logit of a class",
    params=DeepDreamParams,
    resolved=ResolvedDeepDream,
    summary=DeepDreamSummary,
    inputs=(
        InputSpec("image", "The photograph to dream of."),
        InputSpec(
            "guide",
            "What layers should see in it. By default more of what is there.",
            required=False,
        ),
    ),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The result."),
        ArtifactSpec(
            "zoom.webp",
            "image/webp",
            "The result and its zoom frames, animated.",
            only_with="zoom_frames",
        ),
        CURVE,
    ),
    queue="slow",
    example={"octaves": 2, "steps": 3, "size": 112},
)
