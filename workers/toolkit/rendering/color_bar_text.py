"""The numbers beside a colour bar: three digits, and one power of ten for all of them."""

from math import floor, log10

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def exponent_of(low: float, high: float) -> int:
    """Return the power of ten that the numbers are divided by: 0 if they are of common size."""
    most = max(abs(low), abs(high))
    exponent = floor(log10(most)) if most > 0 else 0
    return 0 if -3 < exponent < 4 else exponent


def tick_text(value: float, exponent: int) -> str:
    """Return a value divided by a power of ten, with three digits."""
    return f"{value / 10**exponent:.3g}".replace("-", "−")


def power(exponent: int) -> str:
    """Return what follows the name of a unit whose numbers are divided by a power of ten."""
    return f", × 10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else ""
