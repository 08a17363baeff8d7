"""Activation maximization: make the image that a class or any other neuron answers most.

`lucid` climbs in the Fourier space of decorrelated colours, through random shifts, scales and turns. `robust` climbs
there too, through noisy views of random parts, which makes whole objects and less fine texture, and pays for grain and
for contrast that no photograph has, in units of the score. `simonyan` climbs in
the pixels from the training mean, paying λ‖x‖². `yosinski` decays and blurs the pixels while it climbs. Each score is a
logit for a class, an activation otherwise, never a probability.
"""

from collections.abc import Set
from math import ceil
from typing import Any, Literal

from pydantic import Field

from catalog.errors import ImageMissing, InvalidParameters, TooExpensive, Violation
from catalog.heatmap import ExplainedTarget
from catalog.idle import refuse_idle
from catalog.models import ModelEntry
from catalog.optimization import CURVE, MAX_PIXELS, MAX_SIDE, PredictedClass
from catalog.technique import ArtifactSpec, InputSpec, Summary, TargetParams, Technique

Start = Literal["noise", "zero", "mean", "image"]
Recipe = Literal["robust", "lucid", "simonyan", "yosinski"]
MAX_STEP_PIXELS = 384 * MAX_PIXELS  # steps × pixels × images

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
    cost_advice = ("lower steps", "lower size", "lower count")

    target: str = Field(
        max_length=300,
        description="`class:285`, `class:Egyptian cat`, `layer:channel`, `layer:channel@y,x`, `…@center` or `layer`.",
        examples=["class:espresso", "blocks.4.0.conv_pw:20"],
    )
    recipe: Recipe = Field("robust", description="How to climb; the defaults below come from it.")
    start: Start | None = Field(
        None,
        description="Noise, black, the training mean, or the image that is sent. By default the recipe's.",
    )
    steps: int | None = Field(
        None,
        ge=1,
        le=4096,
        description="384 for robust, 256 for lucid, 200 for simonyan, 300 for yosinski.",
    )
    rate: float | None = Field(
        None, gt=0, le=100, description="Of Adam (robust, lucid), or of the normalized gradient."
    )
    l2: float | None = Field(
        None, ge=0, le=100, description="λ of λ‖x‖², x in the network's units."
    )
    tv: float | None = Field(None, ge=0, le=100, description="Weight of the total variation.")
    alpha_norm: float | None = Field(
        None,
        ge=0,
        le=100,
        description="Weight of Σ|x|⁶, which lets no value grow large (Mahendran & Vedaldi 2015).",
    )
    blur_every: int | None = Field(
        None,
        ge=0,
        le=1000,
        description="Blur the pixels after so many steps, for simonyan and yosinski; 0 is never.",
    )
    jitter: int | None = Field(
        None, ge=0, le=128, description="Random shift, in pixels; lucid also scales and turns."
    )
    zoom: float | None = Field(
        None,
        gt=0,
        le=1,
        description="Smallest part of the picture's side in a random view; 1 is all.",
    )
    noise: float | None = Field(
        None,
        ge=0,
        le=1,
        description="Noise in each view: standard deviation, pixels in 0..1; falls to a sixth.",
    )
    size: int | None = Field(
        None, ge=1, le=MAX_SIDE, description="Side in pixels; the network's own by default."
    )
    count: int = Field(1, ge=1, le=16, description="Images made together.")
    diversity: float = Field(
        1.0,
        ge=0,
        le=1000,
        description="How much several images (`count`) are kept apart, in units of the score.",
    )

    def resolved(self, model: ModelEntry) -> "ResolvedActivationMaximization":
        defaults = {"size": model.input_size, **RECIPES[self.recipe]}
        return self.with_defaults(ResolvedActivationMaximization, defaults)


class ResolvedActivationMaximization(ActivationMaximizationParams):
    """Activation maximization's parameters with nothing left to default."""

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
        looks = (
            2 if self.count > 1 and self.diversity else 1
        )  # what keeps several apart is another look at them
        return ceil(looks * self.steps * self.count * self.size**2 / model.input_size**2)

    def check_model(self, model: ModelEntry) -> None:
        self._check_idle()
        if self.target.strip() == "top":
            message = "Name the class, as class:285: top, the first prediction of a photograph, is not a target here."
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
                f"{steps} steps of {self.count} × {size} × {size} pixels cost too much; at that size at most {most} "
                "steps are possible. Lower steps, size or count."
            )
            raise TooExpensive(message, [Violation("/steps", message)])

    def _check_idle(self) -> None:
        if self.recipe in ("robust", "lucid"):
            refuse_idle(
                "blur_every",
                self.blur_every,
                0,
                "the recipes that climb in pixels, simonyan and yosinski,",
            )
        if self.count == 1:
            refuse_idle(
                "diversity", self.diversity, 1.0, "several images, with count of 2 or more,"
            )

    def check_inputs(self, sent: Set[str]) -> None:
        if (self.start == "image") == ("image" in sent):
            return
        if "image" in sent:
            message = f"The image is not used with start={self.start}. Add -F start=image, or leave the image out."
            raise InvalidParameters(message, [Violation("/start", message)])
        raise ImageMissing("image", "With start=image, send the image: -F image=@photo.jpg.")


class ActivationMaximizationSummary(Summary):
    target: ExplainedTarget
    recipe: str
    score: str = Field(description="What the score is: logit or activation.")
    score_before: list[float] = Field(description="Of the start, one for each image.")
    score_after: list[float] = Field(description="Of the 8-bit picture, one for each image.")
    probability: list[float] | None = Field(None, description="Of the class, after, for a class.")
    predicted: list[PredictedClass] = Field(
        description="The model's first prediction for each picture."
    )
    size: int
    steps: int


TECHNIQUE = Technique(
    title="Activation maximization",
    reference=(
        "Simonyan, Vedaldi & Zisserman 2014; Yosinski et al. 2015, Understanding Neural Networks Through Deep "
        "Visualization; Olah, Mordvintsev & Schubert 2017, Feature Visualization; Fel et al. 2023, MACO (views)"
    ),
    score="logit for a class; activation otherwise",
    params=ActivationMaximizationParams,
    resolved=ResolvedActivationMaximization,
    summary=ActivationMaximizationSummary,
    inputs=(InputSpec("image", "Where to start from, with `start` image.", required=False),),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The image; several in a grid."),
        ArtifactSpec("image-{n}.png", "image/png", "Each of several images.", only_with="count"),
        CURVE,
    ),
    queue="slow",
    example={"target": "class:7", "steps": 64},
)
