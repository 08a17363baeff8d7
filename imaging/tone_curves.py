"""Tone curves of ICC profiles: how a value of a file becomes light, linear in 0..1.

A curve is the body of a tag, `curv` or `para` (ICC.1:2022, 10.6 and 10.18).
"""

import struct
from collections.abc import Callable, Iterable

_LARGEST_EXPONENT = 16
Curve = Callable[[float], float]


def _parametric(kind: int, *values: float) -> bytes:
    fixed = [round(65536 * value) for value in values]
    return b"para\0\0\0\0" + struct.pack(f">Hxx{len(fixed)}i", kind, *fixed)


SRGB = _parametric(3, 2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
"""The curve of IEC 61966-2-1."""


def power(exponent: float) -> bytes:
    """Return the curve value ** exponent."""
    return _parametric(0, exponent)


def read(body: bytes) -> Curve | None:
    """Return the curve of a tag, None if its kind is not known or it is cut off."""
    try:
        if body[:4] == b"curv":
            return _sampled(body)
        if body[:4] == b"para":
            return _formula(body)
    except (struct.error, IndexError):
        return None
    return None


def srgb_of_light(light: float) -> float:
    """Return sRGB's value in 0..1 of linear light in 0..1."""
    if light <= 0.0031308:
        return 12.92 * max(light, 0.0)
    return float(1.055 * min(light, 1.0) ** (1 / 2.4) - 0.055)


def srgb_levels(body: bytes, values: Iterable[int], white: int) -> list[int]:
    """Return the 8-bit levels of sRGB for values of a curve that `read` can read."""
    light = read(body)
    assert light
    return [round(255 * srgb_of_light(light(value / white))) for value in values]


def _sampled(body: bytes) -> Curve:
    (count,) = struct.unpack(">I", body[8:12])
    if count == 0:
        return lambda value: value
    entries = struct.unpack(f">{count}H", body[12 : 12 + 2 * count])
    if count == 1:
        return lambda value: float(value ** (entries[0] / 256))

    def interpolated(value: float) -> float:
        at = value * (count - 1)
        low = min(int(at), count - 2)
        return float(entries[low] + (at - low) * (entries[low + 1] - entries[low])) / 65535

    return interpolated


def _formula(body: bytes) -> Curve | None:
    """Return a formula of types 0 to 4: Y = (aX + b)^g + e from X = d on, cX + f below."""
    (kind,) = struct.unpack(">H", body[8:10])
    if kind > 4:
        return None
    count = (1, 3, 4, 5, 7)[kind]
    numbers = struct.unpack(f">{count}i", body[12 : 12 + 4 * count])
    values = [number / 65536 for number in numbers]
    g, a, b = values[:3] if kind else (values[0], 1.0, 0.0)
    if not 0 < g <= _LARGEST_EXPONENT:
        return None
    # Without a place where the formula changes, that is where its power is 0.
    c, d, e, f = 0.0, -b / a if a else 0.0, 0.0, 0.0
    if kind == 2:
        e = f = values[3]
    elif kind == 3:
        c, d = values[3:]
    elif kind == 4:
        c, d, e, f = values[3:]
    return lambda x: max(a * x + b, 0.0) ** g + e if x >= d else c * x + f
