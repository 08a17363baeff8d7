"""The check of a map: whether the score depends on what the map marks."""

from dataclasses import dataclass

from workers.toolkit.attribution.deletion_insertion import DeletionInsertion
from workers.toolkit.attribution.explained_input import ExplainedScore

# Areas that differ by at most this share of the score's fall or rise are called equal.
CLOSE = 0.05
# A probability below this is called none.
LITTLE = 0.01
# Rank correlation of a map that ignores the last layer, and of one that follows it.
SAME, OTHER = 0.8, 0.5


@dataclass(frozen=True)
class Randomization:
    """How the map changes when weights before the target are shuffled.

    `weights` names them; `correlation` is the rank correlation of the magnitudes of both maps. It
    is None if one of these is constant.
    """

    weights: str
    correlation: float | None


@dataclass(frozen=True)
class FaithfulnessCheck(DeletionInsertion):
    """The numbers of a check, and a sentence that says how to read them."""

    verdict: str
    score: str
    base_score: float
    randomized_weights: str | None
    randomized_correlation: float | None


def faithfulness_check(
    curves: DeletionInsertion, score: ExplainedScore, randomization: Randomization | None
) -> FaithfulnessCheck:
    """Return the check with its verdict; `score` is that of the unchanged image."""
    return FaithfulnessCheck(
        **vars(curves),
        verdict=verdict(curves, score.kind, randomization),
        score=score.kind,
        base_score=score.value,
        randomized_weights=randomization.weights if randomization else None,
        randomized_correlation=randomization.correlation if randomization else None,
    )


def verdict(
    curves: DeletionInsertion, score_kind: str, randomization: Randomization | None = None
) -> str:
    """Return a sentence that says what the numbers of a check mean."""
    is_probability = score_kind == "probability"
    parts = [_deletion_clause(curves, is_probability), _insertion_clause(curves, is_probability)]
    if randomization is not None:
        parts.append(_randomization_clause(randomization.correlation))
    sentence = "; ".join(parts) + "."
    return sentence[0].upper() + sentence[1:]


def _deletion_clause(curves: DeletionInsertion, is_probability: bool) -> str:
    base, empty = curves.deletion[0], curves.deletion[-1]
    if is_probability and base < LITTLE:
        return (
            f"the model gives this class {base:.2g} at first, so there is nothing to lose "
            "and hiding says nothing"
        )
    if base <= empty:
        return (
            f"without the image the score is no lower ({empty:.2g} against {base:.2g}), "
            "so hiding says nothing"
        )
    gain = curves.random_deletion_auc - curves.deletion_auc
    return (
        f"hiding what the map marks lowers the score {_speed(gain, CLOSE * (base - empty))} "
        f"hiding as much elsewhere "
        f"({curves.deletion_auc:.2g} against {curves.random_deletion_auc:.2g})"
    )


def _insertion_clause(curves: DeletionInsertion, is_probability: bool) -> str:
    blurred, whole = curves.insertion[0], curves.insertion[-1]
    if is_probability and whole < LITTLE:
        return "nor does showing"
    if whole - blurred <= CLOSE * abs(whole):
        return (
            f"the blurred image has the score already ({blurred:.2g} of {whole:.2g}), "
            "so showing says nothing"
        )
    gain = curves.insertion_auc - curves.random_insertion_auc
    return (
        f"showing it raises the score {_speed(gain, CLOSE * (whole - blurred))} "
        f"showing as much elsewhere "
        f"({curves.insertion_auc:.2g} against {curves.random_insertion_auc:.2g})"
    )


def _speed(gain: float, close: float) -> str:
    if abs(gain) <= close:
        return "about as fast as"
    return "faster than" if gain > 0 else "more slowly than"


def _randomization_clause(correlation: float | None) -> str:
    if correlation is None:
        return (
            "with the last weights before the target shuffled one of the two maps is the same "
            "everywhere, so they cannot be compared"
        )
    return f"the map {_change(correlation)} (rank correlation {correlation:.2f})"


def _change(correlation: float) -> str:
    if correlation >= SAME:
        return (
            "hardly changes when the last weights before the target are shuffled, "
            "so it shows the image more than this score"
        )
    if correlation < OTHER:
        return "changes with the last weights before the target"
    return "changes only in part with the last weights before the target"
