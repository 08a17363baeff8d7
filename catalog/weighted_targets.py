"""Several targets in one text, each with a weight.

For example `blocks.3, blocks.4.0.conv_pw:20*0.5, class:285*-1`.
"""

import math
import re
from dataclasses import dataclass

from catalog.errors import InvalidTarget

POINTER = "/targets"
MOST = 8
MOST_WEIGHT = 1000.0
_FORM = (
    "Separate targets by commas, each with its weight if that is not 1: blocks.3, class:285*-0.5."
)
_NUMBER = re.compile(r"[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)(e[+-]?[0-9]{1,2})?", re.IGNORECASE)


@dataclass(frozen=True)
class WeightedTarget:
    """A target as text (see catalog/targets.py), and its weight. A negative one is avoided."""

    text: str
    weight: float = 1.0


def parse_weighted(text: str) -> tuple[WeightedTarget, ...]:
    """Parse the text form. Raises InvalidTarget."""
    if "@" in text:
        raise InvalidTarget(
            "A target has no position here, since each tile has every one. Leave out the @ part.",
            POINTER,
        )
    parts = tuple(_part(part.strip()) for part in text.split(","))
    if len(parts) > MOST:
        raise InvalidTarget(
            f"There are {len(parts)} targets; at most {MOST} are possible.", POINTER
        )
    names = [part.text for part in parts]
    if double := next((name for name in names if names.count(name) > 1), None):
        raise InvalidTarget(f"The target {double!r} is named twice. Give it one weight.", POINTER)
    return parts


def _part(text: str) -> WeightedTarget:
    name, star, weight = (side.strip() for side in text.partition("*"))
    if not name:
        raise InvalidTarget(f"A target is missing. {_FORM}", POINTER)
    return WeightedTarget(name, _weight(name, weight) if star else 1.0)


def _weight(name: str, text: str) -> float:
    weight = float(text) if _NUMBER.fullmatch(text) else math.nan
    if not 0 < abs(weight) <= MOST_WEIGHT:
        raise InvalidTarget(
            f"The weight {text[:40]!r} of {name[:80]!r} must be a number between "
            f"-{MOST_WEIGHT:.0f} and {MOST_WEIGHT:.0f}, and not 0. {_FORM}",
            POINTER,
        )
    return weight
