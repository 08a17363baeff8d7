"""DeepDream: change a photograph so that the network sees more of what it sees in it.

The photograph climbs in octaves, the smallest first: each begins from the photograph at its size, with the detail that
the one before has added, and takes `steps` normalized gradient steps. `targets` says towards what: a layer (all that it
answers to; ½ mean a²), a channel, or a class (its logit), separated by commas, each with a weight:
`blocks.3, blocks.4.0.conv_pw:20*0.5, class:285*-1`; below zero a target is avoided. Weights of unlike targets can be
compared: each is measured by how strongly its layer answers the photograph. Without `targets` it is the layer that the
model recommends, else one at two thirds of its depth; the result says which.

With a `guide` image, layers grow towards what they see in the guide, and not towards what they see in the photograph.

A picture of any shape, up to 1024 pixels wide or high, goes through the network by tiles of the network's own size,
which overlap, pass into each other gradually and lie elsewhere at each step. With `zoom_frames` the dream is dreamt on:
each frame is the one before, a little enlarged, and dreams again; all of them come as an animated WebP.
"""

from collections.abc import Set
from math import ceil

from pydantic import BaseModel, Field

from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import ExplainedTarget
from catalog.idle import refuse_idle
from catalog.models import ModelEntry
from catalog.optimization import CURVE, MAX_SIDE, PredictedClass
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique
from catalog.weighted_targets import POINTER, WeightedTarget, parse_weighted

MAX_STEP_PIXELS = 2**29  # steps × pixels that go through the network, over all octaves and frames
MAX_STEPS = 20_000  # of all octaves and frames
OCTAVE_SCALE, ZOOM = 1.4, 1.05
OVERLAP = 8  # tiles overlap by this part of their side


class DeepDreamParams(Params):
    targets_at = POINTER
    cost_advice = ("lower steps", "lower size", "lower octaves", "lower zoom_frames")

    targets: str | None = Field(
        None,
        max_length=1000,
        description=(
            "What to see more of: `layer`, `layer:channel`, `class:285`, `class:Egyptian cat` or `top`, several with "
            "commas, each with a weight if it is not 1: `blocks.3, class:285*-0.5`. By default the model's own layer."
        ),
        examples=["blocks.4", "blocks.3, blocks.4.0.conv_pw:20*0.5"],
    )
    octaves: int = Field(4, ge=1, le=12, description="Sizes from coarse to fine.")
    octave_scale: float = Field(
        OCTAVE_SCALE, ge=1.05, le=4, description="How much larger the next octave is."
    )
    steps: int = Field(10, ge=1, le=500, description="For each octave.")
    rate: float = Field(
        1.5,
        gt=0,
        le=100,
        description="What a step adds to the mean pixel, in levels of 0 to 255: rate · g / mean|g|.",
    )
    jitter: int | None = Field(
        None,
        ge=0,
        le=256,
        description="Random shift at every step, in pixels; 32, less for small networks. 0: none.",
    )
    size: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description="Longer side of the dream, in pixels; twice the network's own by default.",
    )
    tile: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description="Side of what goes through the network at once; its own by default.",
    )
    zoom_frames: int = Field(
        0, ge=0, le=120, description="Further frames, each the one before enlarged and dreamt on."
    )
    zoom: float = Field(
        ZOOM, gt=1, le=2, description="How much larger each frame shows the one before."
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

    def check_inputs(self, sent: Set[str]) -> None:
        units = [part.text == "top" or ":" in part.text for part in self.named_targets()]
        if "guide" in sent and units and all(units):
            message = "A guide leads layers, and there is none among the targets. Name one, or leave out the guide."
            raise InvalidParameters(message, [Violation("/guide", message)])


class ResolvedDeepDream(DeepDreamParams):
    """DeepDream's parameters with nothing left to default but `targets`."""

    jitter: int
    size: int
    tile: int

    def estimated_passes(self, model: ModelEntry) -> int:
        return ceil(self.step_pixels() / model.input_size**2)

    def check_model(self, model: ModelEntry) -> None:
        if self.octaves == 1:
            refuse_idle("octave_scale", self.octave_scale, OCTAVE_SCALE, "several octaves")
        if not self.zoom_frames:
            refuse_idle("zoom", self.zoom, ZOOM, "zoom_frames")
        smallest = self.size / self.octave_scale ** (self.octaves - 1)
        if smallest < 4:
            message = f"The smallest of {self.octaves} octaves is {smallest:.1f} pixels wide. Lower octaves, or raise size."
            raise InvalidParameters(message, [Violation("/octaves", message)])
        if (
            self.octaves * self.steps * (self.zoom_frames + 1) > MAX_STEPS
            or self.step_pixels() > MAX_STEP_PIXELS
        ):
            message = (
                f"{self.octaves} octaves of {self.steps} steps up to {self.size} pixels, {self.zoom_frames + 1} times, "
                "cost too much. Lower steps, size, octaves or zoom_frames."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def step_pixels(self) -> float:
        """Steps × pixels that go through the network, for a square picture."""
        sides = [self.size / self.octave_scale**i for i in range(self.octaves)]
        return (
            self.steps
            * (self.zoom_frames + 1)
            * sum(_tiled(side, self.tile) ** 2 for side in sides)
        )


def _tiled(side: float, tile: int) -> int:
    """Pixels in a row of tiles that covers so many of the picture."""
    return tile if side <= tile else tile * ceil(side / (tile - tile // OVERLAP))


class DreamTarget(BaseModel):
    """One target, and how the network answers it."""

    target: ExplainedTarget
    weight: float
    score: str = Field(
        description="½ mean square of a layer, mean of a channel, logit of a class; or of the guide."
    )
    score_before: float = Field(description="Of the photograph at the dream's size.")
    score_after: float = Field(description="Of the 8-bit dream.")


class DeepDreamSummary(Summary):
    targets: list[DreamTarget]
    layers_from: str = Field(
        description="given, recommended (by the model), or depth (chosen from the graph)."
    )
    guided: bool
    octaves: list[list[int]] = Field(description="[height, width] of each, in the order of work.")
    tile: int = Field(description="Side of a tile, in pixels.")
    tiles: list[int] = Field(description="How many tiles an octave takes.")
    frames: int = Field(description="Of the animation; 0 where there is none.")
    predicted_before: PredictedClass
    predicted: PredictedClass = Field(
        description="The model's first prediction for the dream, seen like any photograph."
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
            "What layers should see in it; by default more of what is there.",
            required=False,
        ),
    ),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The dream."),
        ArtifactSpec(
            "zoom.webp",
            "image/webp",
            "The dream and its zoom frames, animated.",
            only_with="zoom_frames",
        ),
        CURVE,
    ),
    queue="slow",
    example={"octaves": 2, "steps": 3, "size": 112},
)
