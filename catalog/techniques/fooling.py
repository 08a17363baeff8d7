"""Fooling: make the model see a class that is not there.

`adversarial` looks for the least change of your image, `norm` l2 or linf, that puts the goal first, or at `confidence`.
`rubbish` turns noise, or black, into a picture that the model is sure of and a person sees nothing in. Both search
among 8-bit pictures, through the same resizing that every image goes through here. `image.png` is then read back and
judged like any image that is sent: only what it still does as a file counts as success. Post it to `predict` and see.
"""

from collections.abc import Set
from typing import Literal

from pydantic import BaseModel, Field

from catalog.errors import (
    ImageMissing,
    InvalidParameters,
    InvalidTarget,
    TooExpensive,
    UnknownModel,
    Violation,
)
from catalog.heatmap import ExplainedTarget
from catalog.idle import refuse_idle
from catalog.models import ModelEntry, class_labels, find_model
from catalog.optimization import CURVE, MAX_SIDE, PredictedClass
from catalog.targets import Target, parse_target
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique
from catalog.weighted_targets import WeightedTarget

MAX_STEP_PIXELS = 2000 * 224**2  # steps × pixels of the network's input
RUBBISH_CONFIDENCE = 0.9999


class FoolingParams(Params):
    targets_at = "/goal"
    cost_advice = ("lower steps",)

    goal: str = Field(
        max_length=300,
        description="The class that the model shall see: `class:285`, `class:Egyptian cat`, `285` or `Egyptian cat`.",
        examples=["class:lion", "class:291"],
    )
    mode: Literal["adversarial", "rubbish"] = Field(
        "adversarial",
        description="The least change of the image that is sent, or a picture from noise or black.",
    )
    norm: Literal["l2", "linf"] = Field(
        "l2",
        description="What is made small in mode adversarial: √Σδ², or the largest change of any value.",
    )
    confidence: float | None = Field(
        None,
        gt=0,
        le=0.999999,
        description="Probability that the goal must reach. By default 0.9999 for rubbish; else being first is enough.",
    )
    start: Literal["noise", "zero"] = Field(
        "noise", description="Where rubbish begins: noise of the seed, or black."
    )
    steps: int = Field(
        200,
        ge=2,
        le=2000,
        description="Most steps of the search, a gradient each; with few the change is larger than it need be.",
    )
    size: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description=(
            "Longer side in pixels: a larger image is scaled down to it, 512 by default. Rubbish is a square, by "
            "default as large as the model resizes images to."
        ),
    )
    transfer_model: str | None = Field(
        None,
        max_length=200,
        description="A second model, to see whether what was made for the first fools it too.",
    )

    def resolved(self, model: ModelEntry) -> "ResolvedFooling":
        rubbish = self.mode == "rubbish"
        defaults = {
            "size": min(model.preprocessing.resize, MAX_SIDE) if rubbish else 512,
            "confidence": RUBBISH_CONFIDENCE if rubbish else None,
        }
        return self.with_defaults(ResolvedFooling, defaults)

    def estimated_passes(self, model: ModelEntry) -> int:
        return self.steps

    def deterministic(self) -> bool:
        return self.transfer_model is None  # what the second model says hangs on its weights too

    def check_model(self, model: ModelEntry) -> None:
        self.target(class_labels(model), model.name)
        if self.transfer_model is not None:
            _check_transfer(self, model, self.transfer_model)
        if model.classes < 2:
            message = (
                f"Model {model.name!r} has one class only; it cannot be made to see another one."
            )
            raise InvalidParameters(message, [Violation("/model", message)])
        if self.mode == "rubbish":
            refuse_idle("norm", self.norm, "l2", "mode adversarial")
        else:
            refuse_idle("start", self.start, "noise", "mode rubbish")
        if self.steps * model.input_size**2 > MAX_STEP_PIXELS:
            message = f"{self.steps} steps of this model, which sees {model.input_size}² pixels, cost too much."
            raise TooExpensive(f"{message} Lower steps.", [Violation("/steps", message)])

    def check_inputs(self, sent: Set[str]) -> None:
        if self.mode == "adversarial" and "image" not in sent:
            raise ImageMissing(
                "image", "Send the image to change: -F image=@photo.jpg. (Or set mode=rubbish.)"
            )
        if self.mode == "rubbish" and "image" in sent:
            message = (
                "Rubbish is made from noise or black. Leave out the image, or set mode=adversarial."
            )
            raise InvalidParameters(message, [Violation("/image", message)])

    def named_targets(self) -> tuple[WeightedTarget, ...]:
        text = self.goal.strip()
        return (WeightedTarget(text if text.startswith("class:") else f"class:{text}"),)

    def target(self, labels: tuple[str, ...], model: str) -> Target:
        """The goal, parsed. Raises InvalidTarget or UnknownClass."""
        text = self.goal.strip()
        try:
            return parse_target(
                text if text.startswith("class:") else f"class:{text}", labels, model
            )
        except InvalidTarget as error:
            raise type(error)(error.detail, "/goal") from None


class ResolvedFooling(FoolingParams):
    """Fooling's parameters with the size filled in.

    Without `confidence`, which stays absent in mode adversarial, it is enough that the goal is first.
    """

    size: int


def _check_transfer(params: FoolingParams, model: ModelEntry, second: str) -> None:
    """The second model must exist and know the goal's label."""
    try:
        entry = find_model(second)
    except UnknownModel as error:
        raise InvalidParameters(
            error.detail, [Violation("/transfer_model", error.detail)]
        ) from None
    goal = params.target(class_labels(model), model.name).index
    if same_class(class_labels(model), class_labels(entry), goal or 0) is None:
        message = f"Model {second!r} has no class {class_labels(model)[goal or 0]!r}. Choose one with the same classes."
        raise InvalidParameters(message, [Violation("/transfer_model", message)])


def same_class(labels: tuple[str, ...], others: tuple[str, ...], index: int) -> int | None:
    """The index of that class in another model's list: the same where the lists are, else by its label."""
    if labels == others:
        return index
    found = [i for i, label in enumerate(others) if label.casefold() == labels[index].casefold()]
    return found[0] if len(found) == 1 else None


class ClassProbability(BaseModel):
    """What a model sees in a picture."""

    predicted: PredictedClass = Field(description="Its first prediction.")
    goal_probability: float


class Transfer(BaseModel):
    """What the second model says; it was not used in the search."""

    model: str
    weights: str
    before: ClassProbability
    after: ClassProbability
    fooled: bool = Field(description="The goal is its first prediction, and was not before.")


class FoolingSummary(Summary):
    goal: ExplainedTarget
    mode: str
    success: bool = Field(
        description="The saved file, read back, is seen as the goal, with `confidence` where asked."
    )
    verdict: str
    before: ClassProbability = Field(
        description="Of the picture that the search began with, start.png."
    )
    after: ClassProbability = Field(description="Of image.png, read back.")
    l0: int = Field(description="Pixels that were changed.")
    l0_fraction: float = Field(description="Their part of all pixels.")
    l2: float = Field(description="√Σδ² over all values of the picture, each in 0..1.")
    linf: float = Field(description="The largest change of any value, in 0..1.")
    linf_levels: int = Field(description="The same in levels of 255.")
    amplification: float = Field(
        description="difference.png shows the change so many times as large, around mid-grey."
    )
    width: int
    height: int
    steps: int = Field(description="Steps that were taken.")
    transfer: Transfer | None = None


TECHNIQUE = Technique(
    title="Fooling",
    reference=(
        "Szegedy et al. 2014, Intriguing Properties of Neural Networks; Nguyen, Yosinski & Clune 2015, Deep Neural "
        "Networks are Easily Fooled; Carlini & Wagner 2017; Madry et al. 2018; Rony et al. 2019, Decoupling Direction "
        "and Norm"
    ),
    score="log odds of the goal's probability",
    params=FoolingParams,
    resolved=ResolvedFooling,
    summary=FoolingSummary,
    inputs=(InputSpec("image", "The photograph to change, for mode adversarial.", required=False),),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The picture that fools the model."),
        ArtifactSpec(
            "start.png",
            "image/png",
            "What it was made from: the photograph at that size, noise or black.",
        ),
        ArtifactSpec(
            "difference.png", "image/png", "What was changed, amplified; mid-grey is no change."
        ),
        CURVE,
    ),
    queue="slow",
    example={"goal": "class:7", "mode": "rubbish", "steps": 20},
)
