"""What every technique that explains a neuron by a map shares: `check`, which tells how far to trust the map."""

from typing import ClassVar

from pydantic import BaseModel, Field

from catalog.heatmap import HeatmapSummary
from catalog.models import ModelEntry
from catalog.technique import ArtifactSpec, TargetParams

CHECK = ArtifactSpec(
    "check.png",
    "image/png",
    "The curves of the check: the score while what the map marks is hidden, and while it is shown.",
    only_with="check",
)


CHECK_PASSES = 126  # hiding and showing: 21 steps, two ways, of the map and two moved ones


class AttributionParams(TargetParams):
    by_gradient: ClassVar[bool] = False

    check: bool = Field(
        False,
        description=(
            "Also test how far to trust the map: hide and show what it marks, against the same map laid elsewhere; for "
            "a gradient also compare with the map of the model whose last layer is shuffled. Adds `summary.check`."
        ),
    )

    def map_passes(self, model: ModelEntry) -> int:
        """As `passes`, for the map alone."""
        return 1

    def estimated_passes(self, model: ModelEntry) -> int:
        maps = 2 if self.check and self.by_gradient else 1  # of the model with a shuffled layer too
        return maps * self.map_passes(model) + (CHECK_PASSES if self.check else 0)

    def depends_on_seed(self) -> bool:
        return self.check


class MapCheck(BaseModel):
    """How far to trust the map. Every curve has one score for each of `fractions`; an area is a mean score."""

    verdict: str = Field(description="How to read the numbers, in one sentence.")
    score: str = Field(description="What the scores are: probability for a class, else activation.")
    base_score: float = Field(description="That score of the unchanged image.")
    deletion_auc: float = Field(
        description="Area under `deletion`: low where the map marks what counts."
    )
    random_deletion_auc: float
    insertion_auc: float = Field(
        description="Area under `insertion`: high where the map marks what counts."
    )
    random_insertion_auc: float
    fractions: list[float] = Field(
        description="Parts of the pixels that are changed, those marked most first."
    )
    deletion: list[float] = Field(description="Scores while pixels are set to the training mean.")
    random_deletion: list[float] = Field(
        description="The same for the map laid elsewhere at random, mean of two."
    )
    insertion: list[float] = Field(
        description="Scores while pixels of the blurred image are made sharp."
    )
    random_insertion: list[float] = Field(
        description="The same for the map laid elsewhere at random, mean of two."
    )
    randomized_weights: str | None = Field(
        None, description="The weights that were shuffled, for a gradient."
    )
    randomized_correlation: float | None = Field(
        None,
        description=(
            "Spearman's rank correlation of |map| with |map| of the model with those weights shuffled: near 1 the map "
            "does not depend on them; 0 also where one of the maps is constant."
        ),
    )


class AttributionSummary(HeatmapSummary):
    """Numbers of every map that can be checked."""

    check: MapCheck | None = Field(
        None, description="How far to trust the map; only when `check` asks for it."
    )
