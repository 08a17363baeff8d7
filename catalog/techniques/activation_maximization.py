"""Activation maximization: make the image to which a class or another neuron responds most.

`lucid` optimizes in the Fourier space of decorrelated colours, through random shifts, scales and
rotations. `robust` does so, too, through noisy views of random parts, which gives whole objects and
less fine texture. It also penalizes grain, and contrast that no photograph has, in units of the
score. `simonyan` optimizes the pixels, beginning with the training mean, with the penalty λ‖x‖².
`yosinski` decays and blurs the pixels meanwhile. The score is an activation or what the model
returns for a class: its logit, or its probability if the entry's `head` is none. For a dense output
it is the mean over all places, or one place (`class:12@120,80`).

For one neuron, `layer:channel@y,x`, only its receptive field is optimized: around it the first
image stays, and every random view keeps the centre of the field in its place. Where a ReLU is off
and the unit has no gradient, the value before the ReLU is raised until the unit responds. A unit
that responds to none of the results fails the job with the code `unit_silent`.
"""

from collections.abc import Sequence, Set
from math import ceil
from typing import Any, Literal

from pydantic import Field

from catalog.checks import refuse_unused
from catalog.errors import ImageMissing, InvalidParameters, TooExpensive, Violation
from catalog.heatmap import ExplainedTarget
from catalog.models import ModelEntry
from catalog.optimization import CURVE, MAX_PIXELS, MAX_SIDE
from catalog.prediction import PredictedClass
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Summary, TargetParams, Technique

Start = Literal["noise", "zero", "mean", "image"]
Recipe = Literal["robust", "lucid", "simonyan", "yosinski"]
# Steps × pixels × images.
MAX_STEP_PIXELS = 384 * MAX_PIXELS

_PLAIN = {
    "l2": 0.0,
    "tv": 0.0,
    "alpha_norm": 0.0,
    "blur_every": 0,
    "jitter": 0,
    "zoom": 1.0,
    "noise": 0.0,
}
RECIPES: dict[str, dict[str, Any]] = {
    "robust": _PLAIN | {"start": "noise", "steps": 384, "rate": 0.05, "zoom": 0.5, "noise": 0.3},
    "lucid": _PLAIN | {"start": "noise", "steps": 256, "rate": 0.05, "jitter": 12},
    "simonyan": _PLAIN | {"start": "mean", "steps": 200, "rate": 0.01, "l2": 1e-4},
    "yosinski": _PLAIN | {"start": "noise", "steps": 300, "rate": 0.01, "blur_every": 4},
}


class ActivationMaximizationParams(TargetParams):
    differentiates_by_image = True
    cost_advice = ("lower steps", "lower size", "lower count")

    target: str = Field(
        max_length=300,
        description=(
            "`class:285`, `class:Egyptian cat`, `layer:channel`, `layer:channel@y,x`, `…@center` "
            "or "
            "`layer`."
        ),
        examples=["class:espresso", "blocks.4.0.conv_pw:20"],
    )
    recipe: Recipe = Field("robust", description="The method. It determines the defaults below.")
    start: Start | None = Field(
        None,
        description=(
            "The first image: noise, black (`zero`), the training mean, or the image that is sent. "
            "By "
            "default that of the recipe."
        ),
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=4096,
        description=(
            "Number of steps: 384 for robust, 256 for lucid, 200 for simonyan, 300 for yosinski."
        ),
    )
    rate: float | None = Field(
        None,
        gt=0,
        le=100,
        description=(
            "Learning rate of Adam (robust, lucid), or step size of the normalized gradient."
        ),
    )
    l2: float | None = Field(
        None, ge=0, le=100, description="λ of the penalty λ‖x‖², with x in the network's units."
    )
    tv: float | None = Field(None, ge=0, le=100, description="Weight of the total variation.")
    alpha_norm: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Weight of Σ|x|⁶, which penalizes large values (Mahendran & Vedaldi 2015).",
    )
    blur_every: int | None = Field(
        None,
        ge=0,
        le=1000,
        description=(
            "Number of steps after which the pixels are blurred each time, for simonyan and "
            "yosinski; "
            "0 is never."
        ),
    )
    jitter: int | None = Field(
        None, ge=0, le=128, description="Random shift, in pixels. lucid also scales and rotates."
    )
    zoom: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Smallest side of a random view, as a fraction of the image's side; 1 is all.",
    )
    noise: float | None = Field(
        None,
        ge=0,
        le=1,
        description=(
            "Standard deviation of the noise in each view, for pixels in 0..1. It falls to a sixth."
        ),
    )
    size: int | None = Field(
        None,
        ge=1,
        le=MAX_SIDE,
        description="Side in pixels. By default that of the network's input.",
    )
    count: int = Field(1, ge=1, le=16, description="Number of images that are made together.")
    diversity: float = Field(
        1.0,
        ge=0,
        le=1000,
        description=(
            "Weight of the penalty for similarity among several images (`count`), in units of the "
            "score."
        ),
    )

    def resolved(self, model: ModelEntry) -> "ResolvedActivationMaximization":
        defaults = {"size": model.input_size, **RECIPES[self.recipe]}
        return self.with_defaults(ResolvedActivationMaximization, defaults)


class ResolvedActivationMaximization(ActivationMaximizationParams):
    """Parameters with every default filled in."""

    start: Start
    steps: int
    rate: float
    l2: float
    tv: float
    alpha_norm: float
    blur_every: int
    jitter: int
    zoom: float
    noise: float
    size: int

    def estimated_passes(self, model: ModelEntry) -> int:
        # The penalty for similarity is a second pass.
        passes = 2 if self.count > 1 and self.diversity else 1
        return ceil(passes * self.steps * self.count * self.size**2 / model.input_size**2)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        self._refuse_unused()
        if self.target.strip() == "top":
            message = (
                "top, the first prediction for a photograph, is not a target here. "
                "Name the class, such as class:285."
            )
            raise InvalidParameters(message, [Violation("/target", message)])
        steps, size = self.steps, self.size
        if size**2 * self.count > MAX_PIXELS:
            message = (
                f"{self.count} × {size} × {size} pixels are too many at once. Lower size or count."
            )
            raise TooExpensive(message, [Violation("/count", message)])
        if steps * size**2 * self.count > MAX_STEP_PIXELS:
            most = MAX_STEP_PIXELS // (size**2 * self.count)
            message = (
                f"{steps} steps of {self.count} × {size} × {size} pixels cost too much; at that "
                f"size "
                f"at most {most} steps are possible. Lower steps, size or count."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def _refuse_unused(self) -> None:
        if self.recipe in ("robust", "lucid"):
            refuse_unused(
                "blur_every",
                self.blur_every,
                0,
                "the recipes that optimize pixels, simonyan and yosinski,",
            )
        if self.count == 1:
            refuse_unused(
                "diversity", self.diversity, 1.0, "several images, with count of 2 or more,"
            )

    def validate_inputs(self, sent: Set[str]) -> None:
        if (self.start == "image") == ("image" in sent):
            return
        if "image" in sent:
            message = (
                f"The image is not used with start={self.start}. "
                "Add -F start=image, or leave the image out."
            )
            raise InvalidParameters(message, [Violation("/start", message)])
        raise ImageMissing("image", "With start=image, send the image: -F image=@photo.jpg.")


class ActivationMaximizationSummary(Summary):
    target: ExplainedTarget
    recipe: str = Field(description="The recipe that was used.")
    score: str = Field(description="What the score is: logit, probability, output or activation.")
    score_before: list[float] = Field(
        description="The score of the first image, one for each image."
    )
    score_after: list[float] = Field(
        description="The score of the 8-bit result, image.png, one for each image."
    )
    score_before_rounding: list[float] = Field(
        description=(
            "The score of each result before it is rounded to 8 bits. curve.json holds another "
            "value: −score, summed over the images, of the random views that each step sees."
        ),
    )
    silent: list[bool] = Field(
        description=(
            "Whether the unit does not respond to the result, one for each image: its ReLU is off, "
            "and the score is not above that of the first image. If it responds to none, the job "
            "fails with `unit_silent`."
        ),
    )
    field: list[int] | None = Field(
        None,
        description=(
            "For one neuron: [left, top, right, bottom] of the part of the image that it sees. "
            "Only this part is optimized; around it the first image stays. Absent for other "
            "targets."
        ),
    )
    probability: list[float] | None = Field(
        None,
        description=(
            "The probability of the class in each result; absent unless the target is a class that "
            "has one."
        ),
    )
    predicted: list[PredictedClass] = Field(
        description="The model's first prediction for each result."
    )
    size: int = Field(description="Side of each image, in pixels.")
    steps: int = Field(description="Number of steps that were taken.")


TECHNIQUE = Technique(
    title="Activation maximization",
    reference=(
        "Simonyan, Vedaldi & Zisserman 2014; Yosinski et al. 2015, Understanding Neural Networks "
        "Through Deep Visualization; Olah, Mordvintsev & Schubert 2017, Feature Visualization; "
        "Fel et al. 2023, MACO (views)"
    ),
    score="logit for a class; activation otherwise",
    params=ActivationMaximizationParams,
    resolved=ResolvedActivationMaximization,
    summary=ActivationMaximizationSummary,
    inputs=(InputSpec("image", "The first image, for `start` image.", required=False),),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The image, or several in a grid."),
        ArtifactSpec("image-{n}.png", "image/png", "Each of several images.", only_with="count"),
        CURVE,
    ),
    queue="slow",
    example={"target": "class:7", "steps": 64},
)
