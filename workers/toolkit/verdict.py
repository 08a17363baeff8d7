"""The numbers of a check as one sentence."""

from collections.abc import Mapping
from typing import Any

CLOSE = 0.05  # areas that differ by less than this part of the score's fall are called equal
LITTLE = 0.01  # a probability that is none
SAME, OTHER = 0.8, 0.5  # rank correlation of a map that ignores the last layer, and of one that follows it


def verdict(found: Mapping[str, Any]) -> str:
    """How to read the fields of a check."""
    parts = [_hiding(found), _showing(found)]
    correlation = found.get("randomized_correlation")
    if correlation is not None:
        parts.append(f"the map {_change(correlation)} (rank correlation {correlation:.2f})")
    said = "; ".join(parts) + "."
    return said[0].upper() + said[1:]


def _hiding(found: Mapping[str, Any]) -> str:
    base, empty = found["deletion"][0], found["deletion"][-1]
    if found["score"] == "probability" and base < LITTLE:
        return f"the model gives this class {base:.2g} at first, so there is nothing to lose and hiding says nothing"
    if base <= empty:
        return f"without the image the score is no lower ({empty:.2g} against {base:.2g}), so hiding says nothing"
    gain = found["random_deletion_auc"] - found["deletion_auc"]
    return (
        f"hiding what the map marks lowers the score {_speed(gain, CLOSE * (base - empty))} hiding as much elsewhere "
        f"({found['deletion_auc']:.2g} against {found['random_deletion_auc']:.2g})"
    )


def _showing(found: Mapping[str, Any]) -> str:
    blurred, whole = found["insertion"][0], found["insertion"][-1]
    if found["score"] == "probability" and whole < LITTLE:
        return "nor does showing"
    if whole - blurred <= CLOSE * abs(whole):
        return f"the blurred image has the score already ({blurred:.2g} of {whole:.2g}), so showing says nothing"
    gain = found["insertion_auc"] - found["random_insertion_auc"]
    return (
        f"showing it raises the score {_speed(gain, CLOSE * (whole - blurred))} showing as much elsewhere "
        f"({found['insertion_auc']:.2g} against {found['random_insertion_auc']:.2g})"
    )


def _speed(gain: float, span: float) -> str:
    if abs(gain) <= span:
        return "about as fast as"
    return "faster than" if gain > 0 else "more slowly than"


def _change(correlation: float) -> str:
    if correlation >= SAME:
        return (
            "hardly changes when the last weights before the target are shuffled, "
            "so it shows the image more than this score"
        )
    return (
        "changes with the last weights before the target"
        if correlation < OTHER
        else "changes only in part with the last weights before the target"
    )
