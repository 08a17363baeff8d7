"""Fooling: make the model predict a class that is not in the image.

`adversarial` searches for the smallest change of your image, by `norm` l2 or linf, with which the
goal is the first prediction or reaches `confidence`. `rubbish` turns noise, or black, into an image
for which the model is confident of the goal and a person sees nothing. Both search among 8-bit
images, through the same preprocessing as for every image here. `image.png` is then read back and
judged like any image that is sent: only what it still does as a file counts as success. Send it to
`predict` to see.

Where the classes of a model exclude each other (`head` softmax, or none with several classes) the
goal is reached when it is the first prediction. Where they do not (sigmoid, or a single
probability), it is reached when its probability is above one half. A model without probabilities
(raw) is refused.
"""

from collections.abc import Sequence, Set
from typing import Literal

from pydantic import Field

from catalog.checks import refuse_unused
from catalog.errors import (
    ImageMissing,
    InvalidParameters,
    TooExpensive,
    UnknownModel,
    Violation,
)
from catalog.heatmap import ExplainedTarget
from catalog.model_support import check_support
from catalog.models import ModelEntry, class_labels, find_model
from catalog.optimization import CURVE, MAX_SIDE
from catalog.prediction import PredictedClass
from catalog.summary import SummaryPart
from catalog.targets import Target
from catalog.technique import ArtifactSpec, InputSpec, Params, Summary, Technique, Traits
from catalog.weighted_targets import WeightedTarget

# Steps × pixels of the network's input.
MAX_STEP_PIXELS = 2000 * 224**2
MAX_STEPS = 2000
RUBBISH_CONFIDENCE = 0.9999


class FoolingParams(Params):
    differentiates_by_image = True
    targets_at = "/goal"
    cost_advice = ("lower steps",)

    goal: str = Field(
        max_length=300,
        description=(
            "The class to predict: `class:285`, `class:Egyptian cat`, `285` or `Egyptian cat`."
        ),
        examples=["class:lion", "class:291"],
    )
    mode: Literal["adversarial", "rubbish"] = Field(
        "adversarial",
        description=(
            "`adversarial` makes the smallest change of the image that is sent, `rubbish` an image "
            "from noise or black."
        ),
    )
    norm: Literal["l2", "linf"] = Field(
        "l2",
        description=("What mode adversarial minimizes: √Σδ², or the largest change of any value."),
    )
    confidence: float | None = Field(
        None,
        gt=0,
        le=0.999999,
        description=(
            "Probability that the goal must reach. By default 0.9999 for rubbish. For adversarial "
            "it is enough by default that the goal is the first prediction (with `head` sigmoid: "
            "that its probability is above one half)."
        ),
    )
    start: Literal["noise", "zero"] = Field(
        "noise",
        description="The image that rubbish begins with: `noise` of the seed, or `zero`, black.",
    )
    steps: int = Field(
        200,
        ge=2,
        le=MAX_STEPS,
        description=(
            "Maximum number of steps of the search, one gradient each. With few steps the change "
            "is "
            "larger than necessary."
        ),
    )
    size: int | None = Field(
        None,
        ge=8,
        le=MAX_SIDE,
        description=(
            "Longer side in pixels. A larger image is scaled down to it; the default is 512. "
            "Rubbish is "
            "a square, by default of the size to which the model resizes images."
        ),
    )
    transfer_model: str | None = Field(
        None,
        max_length=200,
        description="A second model, to test whether the result fools it too.",
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

    def traits(self) -> Traits:
        # The prediction of a second model depends on its weights, too.
        return Traits(deterministic=self.transfer_model is None)

    def validate_for(self, model: ModelEntry, targets: Sequence[Target]) -> None:
        (goal,) = targets
        if self.transfer_model is not None:
            _validate_transfer(self.transfer_model, model, goal.index or 0)
        if self.mode == "rubbish":
            refuse_unused("norm", self.norm, "l2", "mode adversarial")
        else:
            refuse_unused("start", self.start, "noise", "mode rubbish")
        if self.steps * model.input_size**2 > MAX_STEP_PIXELS:
            message = (
                f"{self.steps} steps of this model, which sees {model.input_size}² pixels, cost "
                f"too much."
            )
            raise TooExpensive(f"{message} Lower steps.", [Violation("/steps", message)])

    def validate_inputs(self, sent: Set[str]) -> None:
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


class ResolvedFooling(FoolingParams):
    """Parameters with every default filled in.

    Without `confidence`, in mode adversarial, it is enough that the goal is the first prediction.
    """

    size: int


def _validate_transfer(second: str, model: ModelEntry, goal: int) -> None:
    """Check that the second model exists and has the label of the goal."""
    try:
        entry = find_model(second)
    except UnknownModel as error:
        violation = Violation("/transfer_model", error.detail)
        raise InvalidParameters(error.detail, [violation]) from None
    check_support(TECHNIQUE, entry, "/transfer_model")
    labels = class_labels(model)
    if same_class(labels, class_labels(entry), goal) is None:
        message = (
            f"Model {second!r} has no class {labels[goal]!r}. Choose one with the same classes."
        )
        raise InvalidParameters(message, [Violation("/transfer_model", message)])


def same_class(labels: tuple[str, ...], others: tuple[str, ...], index: int) -> int | None:
    """Return the index of the class in another model's list, by its label, or None.

    If the two lists are equal, the index is the same.
    """
    if labels == others:
        return index
    found = [i for i, label in enumerate(others) if label.casefold() == labels[index].casefold()]
    return found[0] if len(found) == 1 else None


class ClassProbability(SummaryPart):
    """What a model predicts for an image; both have probabilities."""

    predicted: PredictedClass = Field(description="The first prediction.")
    goal_probability: float = Field(description="Probability of the goal, in 0..1.")


class Transfer(SummaryPart):
    """What the second model predicts. It was not used in the search."""

    model: str = Field(description="Name of the second model.")
    weights: str = Field(description="SHA-256 of its weights.")
    before: ClassProbability = Field(
        description="For the image that the search began with, start.png."
    )
    after: ClassProbability = Field(description="For image.png, read back.")
    fooled: bool = Field(
        description=(
            "Whether the goal is its first prediction (with `head` sigmoid: above one half), and "
            "was not before."
        )
    )


class FoolingSummary(Summary):
    goal: ExplainedTarget
    mode: str = Field(description="The mode: adversarial or rubbish.")
    success: bool = Field(
        description=(
            "Whether the model predicts the goal for the saved file, with `confidence` if it was "
            "set. With `head` sigmoid: whether its probability is above one half."
        )
    )
    verdict: str = Field(description="What was found, in one sentence.")
    before: ClassProbability = Field(
        description="For the image that the search began with, start.png."
    )
    after: ClassProbability = Field(description="For image.png, read back.")
    l0: int = Field(description="Number of pixels that were changed.")
    l0_fraction: float = Field(description="Fraction of the pixels that were changed.")
    l2: float = Field(description="√Σδ² over all values of the image, each in 0..1.")
    linf: float = Field(description="The largest change of any value, in 0..1.")
    linf_levels: int = Field(description="The largest change in levels of 0 to 255.")
    amplification: float = Field(
        description="Factor by which difference.png amplifies the change, around mid-grey."
    )
    width: int = Field(description="Width of the image, in pixels.")
    height: int = Field(description="Height of the image, in pixels.")
    steps: int = Field(description="Number of steps that were taken.")
    transfer: Transfer | None = Field(
        None, description="What `transfer_model` predicts; absent without one."
    )


TECHNIQUE = Technique(
    title="Fooling",
    reference=(
        "Szegedy et al. 2014, Intriguing Properties of Neural Networks; Nguyen, Yosinski & Clune "
        "2015, Deep Neural Networks are Easily Fooled; Carlini & Wagner 2017; Madry et al. 2018; "
        "Rony et al. 2019, Decoupling Direction and Norm"
    ),
    score="log odds of the goal's probability",
    params=FoolingParams,
    resolved=ResolvedFooling,
    summary=FoolingSummary,
    inputs=(InputSpec("image", "The photograph to change, for mode adversarial.", required=False),),
    artifacts=(
        ArtifactSpec("image.png", "image/png", "The image that fools the model."),
        ArtifactSpec(
            "start.png",
            "image/png",
            "The image that the search began with: the photograph at this size, noise or black.",
        ),
        ArtifactSpec(
            "difference.png", "image/png", "The change, amplified. Mid-grey is no change."
        ),
        CURVE,
    ),
    queue="slow",
    dense=False,
    needs_probability=True,
    example={"goal": "class:7", "mode": "rubbish", "steps": 20},
)
