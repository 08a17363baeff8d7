"""What the techniques share that explain a neuron by a map, above all the `check` of the map."""

from dataclasses import replace
from typing import ClassVar, Literal

from pydantic import Field

from catalog.errors import InvalidParameters, Violation
from catalog.heatmap import HeatmapSummary
from catalog.map_pictures import MapPictureParams
from catalog.model_entry import HeadName
from catalog.models import ModelEntry
from catalog.summary import SummaryPart
from catalog.technique import ArtifactSpec, Traits

Score = Literal["probability", "logit", "output"]
_SCORES: dict[HeadName, tuple[Score, ...]] = {
    "softmax": ("probability", "logit"),
    "sigmoid": ("probability", "logit"),
    "none": ("probability",),
    "raw": ("output",),
}
SCORE_OF_A_CLASS = (
    "The score of a class: its probability, its logit, or (for a model whose `head` is raw) the "
    "output. By default the probability where there is one. The score of another unit is always "
    "its activation."
)

# Deletion and insertion: 21 steps each, of the map and of two shifted copies.
CHECK_PASSES = 126

CHECK = ArtifactSpec(
    "check.png",
    "image/png",
    "The curves of the check: the score while the marked pixels are deleted, and while they are "
    "inserted.",
    only_with="check",
)


class AttributionParams(MapPictureParams):
    by_gradient: ClassVar[bool] = False

    check: bool = Field(
        False,
        description=(
            "Also test how far to trust the map: delete and insert what it marks, and compare with "
            "the same map shifted elsewhere. A map by gradient is also compared with the map of "
            "the model whose last layer is shuffled. Adds `summary.check`."
        ),
    )

    def map_passes(self, model: ModelEntry) -> int:
        """Estimate the passes, like `estimated_passes`, for the map alone."""
        return 1

    def estimated_passes(self, model: ModelEntry) -> int:
        # The check also makes the map of the model with a shuffled layer.
        maps = 2 if self.check and self.by_gradient else 1
        return maps * self.map_passes(model) + (CHECK_PASSES if self.check else 0)

    def traits(self) -> Traits:
        return replace(super().traits(), uses_seed=self.check)


def default_score(model: ModelEntry) -> Score:
    """Return the score of a class: its probability, or the output if there is none."""
    return "output" if model.head == "raw" else "probability"


def check_score(score: Score, model: ModelEntry) -> None:
    """Refuse a score that a class does not have under the model's head. Raises InvalidParameters.

    A model that returns probabilities has no logits, and a raw output is neither.
    """
    possible = _SCORES[model.head]
    if score not in possible:
        message = (
            f'Model {model.name!r} has no {score} of a class, since its head is "{model.head}". '
            f"Write score={' or score='.join(possible)}."
        )
        raise InvalidParameters(message, [Violation("/score", message)])


class MapCheck(SummaryPart):
    """Test of the map by deletion and insertion.

    Each curve has one score for each of `fractions`; an area is the mean score of a curve.
    """

    verdict: str = Field(description="How to read the numbers, in one sentence.")
    score: str = Field(
        description=(
            "What the scores are: the probability of a class, or the output if the class has none; "
            "otherwise the activation."
        )
    )
    base_score: float = Field(description="This score of the unchanged image.")
    deletion_auc: float = Field(
        description="Area under `deletion`: low if the marked pixels matter for the score."
    )
    random_deletion_auc: float = Field(
        description="`deletion_auc` of the map shifted to other places, a mean."
    )
    insertion_auc: float = Field(
        description="Area under `insertion`: high if the marked pixels matter for the score."
    )
    random_insertion_auc: float = Field(
        description="`insertion_auc` of the map shifted to other places, a mean."
    )
    fractions: list[float] = Field(
        description="Fractions of the pixels that are changed, the most marked pixels first."
    )
    deletion: list[float] = Field(
        description="Scores while pixels are replaced by the training mean."
    )
    random_deletion: list[float] = Field(
        description="The same for the map at random other places: the mean of two."
    )
    insertion: list[float] = Field(
        description="Scores while pixels of the blurred image are made sharp."
    )
    random_insertion: list[float] = Field(
        description="The same for the map at random other places: the mean of two."
    )
    randomized_weights: str | None = Field(
        None,
        description="The weights that were shuffled; absent for a map that is not by gradient.",
    )
    randomized_correlation: float | None = Field(
        None,
        description=(
            "Spearman's rank correlation of |map| with |map| of the model with those weights "
            "shuffled. Near 1, the map does not depend on these weights. Absent if one of the maps "
            "is constant, and for a map that is not by gradient."
        ),
    )


class AttributionSummary(HeatmapSummary):
    """Numbers of every map that can be checked."""

    units: str = Field(description="The unit of the values of the map.")
    check: MapCheck | None = Field(
        None, description="How far to trust the map; absent unless `check` was set."
    )
