"""The numbers beside a colour bar: three digits, and one power of ten for all of them."""

from collections.abc import Sequence
from math import floor, log10

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def exponent_of(low: float, high: float) -> int:
    """Return the power of ten that the numbers are divided by: 0 if they are of common size."""
    most = max(abs(low), abs(high))
    exponent = floor(log10(most)) if most > 0 else 0
    return 0 if -3 < exponent < 4 else exponent


def tick_texts(values: Sequence[float], exponent: int) -> list[str]:
    """Return values divided by a power of ten, with three digits of the largest and 0 as it is."""
    divided = [value / 10**exponent for value in values]
    most = max(map(abs, divided))
    decimals = max(0, 2 - floor(log10(most))) if most > 0 else 0
    return [f"{value:.{decimals}f}".replace("-", "−") if value else "0" for value in divided]


def power(exponent: int) -> str:
    """Return what follows the name of a unit whose numbers are divided by a power of ten."""
    return f", × 10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else ""
