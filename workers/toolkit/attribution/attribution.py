"""A map of the model as every attribution technique leaves it, and its check when one is asked for."""

from collections.abc import Callable
from typing import Any, Protocol

from torch import Tensor

from workers.toolkit.attribution.explained_input import ExplainedInput
from workers.toolkit.attribution.faithfulness import (
    deletion_insertion,
    passes,
    rank_correlation,
    verdict,
)
from workers.toolkit.execution.context import Context, save_png
from workers.toolkit.execution.replay import ReplayLog
from workers.toolkit.execution.unlocked_cached_property import unlocked_cached_property
from workers.toolkit.network.network import Network
from workers.toolkit.network.parameter_randomization import randomize_parameters
from workers.toolkit.rendering.curve_picture import curve_picture
from workers.toolkit.rendering.heatmap import save_heatmap

Progress = Callable[[int, int, str], None]
Explain = Callable[[Network, Progress], Tensor]
"""(network, progress) → the explanation, in any shape; the network is the model's, or one with a layer shuffled."""


class Checked(Protocol):
    """The parameters that matter here, as the catalog has them."""

    @property
    def check(self) -> bool: ...


class Attribution:
    """One technique's explanation of one explained.

    `marks` makes of the explanation the map (H, W) that is highest where the image counts most. With `gradient` the
    check explains the model with a shuffled layer too, which costs as much again.
    """

    def __init__(
        self,
        explained: ExplainedInput,
        context: Context,
        explain: Explain,
        marks: Callable[[Tensor], Tensor],
        params: Checked,
        seed: int,
        *,
        gradient: bool = True,
    ) -> None:
        self._explained, self._context = explained, context
        self._explain, self._marks = explain, marks
        self._check, self._seed = params.check, seed
        network = explained.model.network
        self._sibling = (
            randomize_parameters(network, explained.unit.path, self._seed)
            if params.check and gradient
            else None
        )
        self._map_steps = 0
        self.record = ReplayLog(context)

    @unlocked_cached_property
    def explanation(self) -> Tensor:
        return self._explain(self._explained.model.network, self._reporter(0))

    @unlocked_cached_property
    def marks(self) -> Tensor:
        """(H, W)"""
        return self._marks(self.explanation)

    def leave(
        self, values: Tensor, *, tail: float = 0.0, signed: bool = False, probability: bool = False
    ) -> dict[str, Any]:
        """Save the pictures of a map (H, W); returns what the summary says of explained, map and check."""
        explained = self._explained
        shown = save_heatmap(self._context, explained.model_input, values, tail=tail, signed=signed)
        check = self._checked() if self._check else None
        if check:
            save_png(self._context, "check.png", curve_picture(check))
        return {
            **explained.facts(),
            **explained.score(probability=probability),
            **shown,
            "check": check,
        }

    def _checked(self) -> dict[str, Any]:
        marks, explained = self.marks, self._explained
        found: dict[str, Any] = {}
        if self._sibling:
            other = self._marks(self._explain(self._sibling.network, self._reporter(1)))
            found["randomized_weights"] = self._sibling.weights
            found["randomized_correlation"] = rank_correlation(marks.abs(), other.abs())
        found |= deletion_insertion(
            self.record.scores(explained.scorer(probability=True)),
            explained.model_input.x,
            marks,
            self._seed,
            self._count,
        )
        found |= explained.score(probability=True)
        found["base_score"] = found.pop("score_value")
        return found | {"verdict": verdict(found)}

    def _reporter(self, map_index: int) -> Progress:
        """Progress of one map, as a part of the whole."""

        def report(done: int, total: int, message: str) -> None:
            self._map_steps = total
            self._report(map_index * total + done, message)

        return report

    def _count(self, done: int) -> None:
        self._report(self._total - self._passes + done, "check")

    def _report(self, done: int, message: str) -> None:
        """Not what another process did: it was told then."""
        if not self.record.replaying:
            self._context.progress(done, self._total, message)

    @property
    def _total(self) -> int:
        return self._map_steps * (2 if self._sibling else 1) + self._passes

    @property
    def _passes(self) -> int:
        return passes(self._explained.model_input.x[0, 0].numel()) if self._check else 0
