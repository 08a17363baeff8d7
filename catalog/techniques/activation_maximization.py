"""Activation maximization: make the image that a class or any other neuron answers most.

`lucid` climbs in the Fourier space of decorrelated colours, through random shifts, scales and turns. `simonyan` climbs
in the pixels from the training mean, paying λ‖x‖². `yosinski` decays and blurs the pixels while it climbs. Every score
is a logit for a class, an activation otherwise, never a probability.
"""

from typing import Any, Literal, Self

from pydantic import Field

from catalog.ascent import CURVE, MAX_SIDE, MadeFor
from catalog.errors import InvalidParameters, TooExpensive, Violation
from catalog.heatmap import ExplainedTarget
from catalog.models import ModelEntry
from catalog.technique import ArtifactSpec, ImageInput, Summary, TargetParams, Technique

Recipe = Literal["lucid", "simonyan", "yosinski"]
MAX_STEP_PIXELS = 512 * 256**2 * 8  # steps × pixels × images

RECIPES: dict[str, dict[str, Any]] = {
    "lucid": {"start": "noise", "steps": 256, "rate": 0.05, "l2": 0.0, "tv": 0.0, "blur_every": 0, "jitter": 12},
    "simonyan": {"start": "mean", "steps": 200, "rate": 0.01, "l2": 1e-4, "tv": 0.0, "blur_every": 0, "jitter": 0},
    "yosinski": {"start": "noise", "steps": 300, "rate": 0.01, "l2": 0.0, "tv": 0.0, "blur_every": 4, "jitter": 0},
}


class ActivationMaximizationParams(TargetParams):
    target: str = Field(
        max_length=300,
        description="`class:285`, `class:Egyptian cat`, `layer:channel`, `layer:channel@y,x`, `…@center` or `layer`.",
        examples=["class:espresso", "blocks.4.0.conv_pw:20"],
    )
    recipe: Recipe = Field("lucid", description="How to climb; the defaults below come from it.")
    start: Literal["noise", "zero", "mean", "image"] | None = Field(
        None, description="Noise, black, the training mean, or the image that is sent. By default the recipe's."
    )
    steps: int | None = Field(None, ge=1, le=4096, description="256 for lucid, 200 for simonyan, 300 for yosinski.")
    rate: float | None = Field(
        None, gt=0, le=100, description="Of Adam (lucid), or of the normalized gradient, in 0..1."
    )
    l2: float | None = Field(None, ge=0, le=100, description="λ of λ‖x‖², x in the network's units.")
    tv: float | None = Field(None, ge=0, le=100, description="Weight of the total variation.")
    blur_every: int | None = Field(None, ge=0, le=1000, description="Blur the pixels after so many steps; 0 is never.")
    jitter: int | None = Field(None, ge=0, le=128, description="Random shift, in pixels; lucid also scales and turns.")
    size: int | None = Field(None, ge=16, le=MAX_SIDE, description="Side in pixels; the network's own by default.")
    count: int = Field(1, ge=1, le=16, description="Images made together.")
    diversity: float = Field(
        1.0, ge=0, le=1000, description="How much several images are kept apart, in units of the score."
    )

    def resolved(self, model: ModelEntry) -> Self:
        defaults = {"size": model.input_size, **RECIPES[self.recipe]}
        return self.model_copy(update={name: value for name, value in defaults.items() if getattr(self, name) is None})

    def check_model(self, model: ModelEntry) -> None:
        if self.target.strip() == "top":
            message = "Name the class, as class:285; there is no image to take the first prediction of."
            raise InvalidParameters(message, [Violation("/target", message)])
        steps, size = self.steps or 1, self.size or model.input_size
        if steps * size**2 * self.count > MAX_STEP_PIXELS:
            message = (
                f"{steps} steps of {self.count} × {size} × {size} pixels cost too much. Lower steps, size or count."
            )
            raise TooExpensive(message, [Violation("/steps", message)])


class ActivationMaximizationSummary(Summary):
    target: ExplainedTarget
    recipe: str
    score: str = Field(description="What the score is: logit or activation.")
    score_before: list[float] = Field(description="Of the start, one for each image.")
    score_after: list[float] = Field(description="Of the 8-bit picture, one for each image.")
    probability: list[float] | None = Field(None, description="Of the class, after, for a class.")
    predicted: list[MadeFor] = Field(description="The model's first prediction for each picture.")
    size: int
    steps: int


TECHNIQUE = Technique(
    title="Activation maximization",
    reference=(
        "Simonyan, Vedaldi & Zisserman 2014; Yosinski et al. 2015, Understanding Neural Networks Through Deep "
        "Visualization; Olah, Mordvintsev & Schubert 2017, Feature Visualization"
    ),
    score="logit for a class; activation otherwise",
    params=ActivationMaximizationParams,
    summary=ActivationMaximizationSummary,
    images=(ImageInput("image", "Where to start from, with `start` image.", required=False),),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The image; several in a grid."),
        ArtifactSpec("image-{n}.png", "image/png", "Each of several images.", only_with="count"),
        CURVE,
    ),
    queue="slow",
    example={"target": "class:7", "steps": 64},
)
