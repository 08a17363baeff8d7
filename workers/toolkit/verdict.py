"""The numbers of a check as one sentence."""

from collections.abc import Mapping
from typing import Any

CLOSE = 0.05  # areas that differ by less than this part of the score's fall are called equal
SAME, OTHER = 0.8, 0.5  # rank correlation of a map that ignores the last layer, and of one that follows it


def verdict(found: Mapping[str, Any]) -> str:
    """How to read the fields of a check."""
    span = CLOSE * abs(found["deletion"][0] - found["deletion"][-1])
    fall, rise = (
        found["random_deletion_auc"] - found["deletion_auc"],
        found["insertion_auc"] - found["random_insertion_auc"],
    )
    parts = [
        f"Hiding what the map marks lowers the score {_speed(fall, span)} hiding as much elsewhere "
        f"({found['deletion_auc']:.2g} against {found['random_deletion_auc']:.2g})",
        f"showing it raises the score {_speed(rise, span)} showing as much elsewhere "
        f"({found['insertion_auc']:.2g} against {found['random_insertion_auc']:.2g})",
    ]
    correlation = found.get("randomized_correlation")
    if correlation is not None:
        parts.append(f"the map {_change(correlation)} (rank correlation {correlation:.2f})")
    return "; ".join(parts) + "."


def _speed(gain: float, span: float) -> str:
    if abs(gain) <= span:
        return "about as fast as"
    return "faster than" if gain > 0 else "more slowly than"


def _change(correlation: float) -> str:
    if correlation >= SAME:
        return "hardly changes when the model's last layer is shuffled, so it shows the image more than this score"
    return (
        "changes with the model's last layer"
        if correlation < OTHER
        else "changes only in part with the model's last layer"
    )
