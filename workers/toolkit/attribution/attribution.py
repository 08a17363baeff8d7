"""One run of an attribution technique: its explanation, its heatmap and the check of its map."""

from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from torch import Tensor

from workers.toolkit.attribution.deletion_insertion import deletion_insertion, passes
from workers.toolkit.attribution.explained_input import (
    ExplainedInput,
    ExplainedScore,
    TargetSummary,
    target_summary,
)
from workers.toolkit.attribution.faithfulness import (
    FaithfulnessCheck,
    Randomization,
    faithfulness_check,
)
from workers.toolkit.attribution.rank_correlation import rank_correlation
from workers.toolkit.errors import ZeroMap
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.types import Progress
from workers.toolkit.network.network import Network
from workers.toolkit.network.parameter_randomization import randomize_parameters
from workers.toolkit.network.prediction import ClassSummary
from workers.toolkit.rendering.color_limits import Scale
from workers.toolkit.rendering.curve_picture import Panel, curve_picture
from workers.toolkit.rendering.figure import FigureTexts, save_figure
from workers.toolkit.rendering.heatmap import MapStyle, save_heatmap

E = TypeVar("E")


class Explainer(Protocol[E]):
    """One way to explain a unit of a network; the core of an attribution technique."""

    def explain(self, network: Network, log: ReplayLog, progress: Progress) -> E:
        """Return the explanation; results that the log holds are not computed again.

        `network` is the model's network, or one with a layer whose weights are shuffled.
        """

    def to_map(self, explanation: E) -> Tensor:
        """Return the map (H, W) that is highest where the image counts most."""

    def why_zero(self, explained: ExplainedInput, explanation: E) -> str:
        """Say in words why the map of this explanation is zero everywhere."""


@dataclass(frozen=True)
class AttributionResult:
    """What the summary says of the explained unit, its heatmap and, if requested, its check."""

    target: TargetSummary
    score: str
    score_value: float
    probability: float | None
    predicted: ClassSummary
    units: str
    minimum: float
    maximum: float
    input_box: list[float]
    colormap: str
    color_range: list[float]
    check: FaithfulnessCheck | None


class Limits(Protocol):
    """The values of the ends of the colours."""

    @property
    def low(self) -> float: ...
    @property
    def high(self) -> float: ...


class MapParams(Protocol):
    """The parameters that decide about the pictures and the check, under the catalog's names."""

    @property
    def check(self) -> bool: ...
    @property
    def by_gradient(self) -> bool: ...
    @property
    def colormap(self) -> str | None: ...
    @property
    def picture_side(self) -> int: ...
    @property
    def figure(self) -> str: ...
    def map_scale(self) -> Scale: ...
    def default_colormap(self) -> str: ...
    def color_limits(self) -> Limits | None: ...
    def described(self) -> str: ...


class Attribution(Generic[E]):
    """The run of an explainer on one input: progress, replay, files and check.

    The check of a map that is made by a gradient also explains the model with a shuffled layer,
    which costs as much again.
    """

    def __init__(
        self,
        explained: ExplainedInput,
        explainer: Explainer[E],
        context: Context,
        params: MapParams,
        seed: int,
        title: str,
    ) -> None:
        self._explained = explained
        self._explainer = explainer
        self._context = context
        self._params = params
        self._title = title
        self._check = params.check
        self._seed = seed
        self._shuffled = (
            randomize_parameters(explained.model.network, explained.unit.path, seed)
            if params.check and params.by_gradient
            else None
        )
        self._steps_per_map = 0
        self._log = ReplayLog(context)

    def explain(self) -> E:
        """Return the explanation of the model's own network.

        Raises ZeroMap if its map is zero everywhere.
        """
        network = self._explained.model.network
        explanation = self._explainer.explain(network, self._log, self._map_progress(0))
        if not bool(self._explainer.to_map(explanation).any()):
            why = self._explainer.why_zero(self._explained, explanation)
            raise ZeroMap(f"The map is zero everywhere. {why}")
        return explanation

    def save(
        self,
        marks: Tensor,
        units: str,
        *,
        shown: Tensor | None = None,
        tail: float = 0.0,
        probability: bool = False,
    ) -> AttributionResult:
        """Save the pictures of a map (H, W), check it if requested, and return the numbers.

        `units` says what its values are; `{score}` in it is the kind of the score. `shown` is the
        map that is drawn if it is not the one that is checked. `tail` is that of `MapStyle`. With
        `probability`, the score of a class is its probability, if it has one.
        """
        explained = self._explained
        drawn = marks if shown is None else shown
        style = self._style(tail)
        heatmap = save_heatmap(self._context, explained.model_input, drawn, style)
        check = self._checked(marks) if self._check else None
        if check:
            save_png(self._context, "check.png", curve_picture(*_panels(check)))
        score = explained.score(probability=probability)
        units = units.format(score=score.kind)
        target = target_summary(explained.model, explained.target, explained.unit)
        if self._params.figure != "none":
            texts = self._figure_texts(target, score, units)
            save_figure(self._context, heatmap, texts, self._params.figure)
        return AttributionResult(
            target=target,
            score=score.kind,
            score_value=score.value,
            probability=explained.probability,
            predicted=explained.predicted,
            input_box=[round(side, 2) for side in explained.model_input.box],
            units=units,
            minimum=heatmap.minimum,
            maximum=heatmap.maximum,
            colormap=style.colormap,
            color_range=[heatmap.low, heatmap.high],
            check=check,
        )

    def _style(self, tail: float) -> MapStyle:
        """Return how the map is drawn: as the parameters say, or as its values suggest."""
        params, limits = self._params, self._params.color_limits()
        return MapStyle(
            scale=params.map_scale(),
            colormap=params.colormap or params.default_colormap(),
            limits=(limits.low, limits.high) if limits else None,
            tail=tail,
            side=params.picture_side,
        )

    def _figure_texts(
        self, target: TargetSummary, score: ExplainedScore, units: str
    ) -> FigureTexts:
        """Return what the figure says besides the map."""
        return FigureTexts(
            technique=self._title,
            parameters=self._params.described(),
            target=f"{target.label} (class {target.index})" if target.label else target.text,
            score=_score_text(score, self._explained.probability),
            model=self._explained.model.name,
            units=units,
        )

    def _map_progress(self, map_index: int) -> Progress:
        """Return the progress of one map as a part of the whole run."""

        def report(done: int, total: int, message: str) -> None:
            self._steps_per_map = total
            self._report(map_index * total + done, message)

        return report

    def _checked(self, marks: Tensor) -> FaithfulnessCheck:
        explained = self._explained
        randomization = self._randomization(marks)
        series = self._log.score_series()
        curves = deletion_insertion(
            explained.score_runner(series, probability=True).run,
            explained.model_input.x,
            marks,
            self._seed,
            self._report_check,
        )
        return faithfulness_check(curves, explained.score(probability=True), randomization)

    def _randomization(self, marks: Tensor) -> Randomization | None:
        if self._shuffled is None:
            return None
        shuffled = self._shuffled.network
        other = self._explainer.explain(shuffled, self._log, self._map_progress(1))
        correlation = rank_correlation(marks.abs(), self._explainer.to_map(other).abs())
        return Randomization(self._shuffled.weights, correlation)

    def _report_check(self, done: int) -> None:
        self._report(self._total() - self._check_passes() + done, "check")

    def _report(self, done: int, message: str) -> None:
        """Report progress, unless these results are replayed from a checkpoint."""
        if not self._log.replaying:
            self._context.progress(done, self._total(), message)

    def _total(self) -> int:
        maps = 2 if self._shuffled else 1
        return self._steps_per_map * maps + self._check_passes()

    def _check_passes(self) -> int:
        return passes(self._explained.model_input.x[0, 0].numel()) if self._check else 0


def _score_text(score: ExplainedScore, probability: float | None) -> str:
    """Return the score in three digits, and the probability if it is another number."""
    numbers = [f"{score.kind} {score.value:.3g}"]
    if probability is not None and score.kind != "probability":
        numbers.append(f"probability {probability:.3g}")
    return ", ".join(numbers).replace("-", "−")


def _panels(check: FaithfulnessCheck) -> tuple[Panel, Panel]:
    """Return the panels of the check's picture: deletion on the left, insertion on the right."""
    return (
        Panel(
            "Hiding what the map marks",
            check.score,
            check.fractions,
            check.deletion,
            check.deletion_auc,
            check.random_deletion,
            check.random_deletion_auc,
        ),
        Panel(
            "Showing what the map marks",
            check.score,
            check.fractions,
            check.insertion,
            check.insertion_auc,
            check.random_insertion,
            check.random_insertion_auc,
        ),
    )
