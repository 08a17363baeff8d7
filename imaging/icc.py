"""ICC profiles as bytes: made from chromaticities and a tone curve, and their tags read.

Source: ICC.1:2022, sections 7 and 10. Numbers are big-endian; XYZ is relative to D50.
"""

import struct

from imaging.tone_curves import SRGB, read

Matrix = tuple[tuple[float, ...], ...]
Chromaticities = tuple[float, ...]
"""x and y of white, red, green and blue."""

_HEADER, _ENTRY = 128, 12
_D50 = (0.9642, 1.0, 0.8249)
# Lam's cone responses, as ICC.1 Annex E has them.
_BRADFORD: Matrix = (
    (0.8951, 0.2664, -0.1614),
    (-0.7502, 1.7135, 0.0367),
    (0.0389, -0.0685, 1.0296),
)
_COLORANTS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_MOST_CURVE_BYTES = 12 + 2 * 65536
_TABLES = frozenset({b"A2B0", b"A2B1", b"A2B2"})


def rgb_profile(chromaticities: Chromaticities, curve: bytes) -> bytes:
    """Return a profile of three primaries that share a tone curve. Raises ZeroDivisionError."""
    columns = zip(*_colorants(chromaticities), strict=True)
    tags = {name: _xyz(column) for name, column in zip(_COLORANTS, columns, strict=True)}
    return _profile(b"RGB ", tags | dict.fromkeys(_CURVES, curve))


def gray_profile(curve: bytes) -> bytes:
    """Return a profile of grey with a tone curve."""
    return _profile(b"GRAY", {b"kTRC": curve})


def colour_space(profile: bytes) -> bytes:
    """Return the four letters of the device's colour space, such as `CMYK`."""
    return profile[16:20]


def separable_curves(profile: bytes, channels: int) -> list[bytes] | None:
    """Return the tone curves of a profile of grey (1 channel) or of red, green and blue (3).

    None if it has other channels, its tables mix the channels, or a curve cannot be read or has
    more values than 16 bits.
    """
    tags, names = _tags(profile), (b"kTRC",) if channels == 1 else _CURVES
    space = b"GRAY" if channels == 1 else b"RGB "
    needed = {*names, *(_COLORANTS if channels == 3 else ())}
    if profile[16:24] != space + b"XYZ " or _TABLES & tags.keys() or not needed <= tags.keys():
        return None
    curves = [tags[name] for name in names]
    if max(map(len, curves)) > _MOST_CURVE_BYTES:
        return None
    return curves if all(map(read, curves)) else None


def with_srgb_curves(profile: bytes) -> bytes:
    """Return a profile of the same primaries, or of grey, for pixels with sRGB's tone curve."""
    if colour_space(profile) == b"GRAY":
        return gray_profile(SRGB)
    tags = _tags(profile)
    return _profile(b"RGB ", {n: tags[n] for n in _COLORANTS} | dict.fromkeys(_CURVES, SRGB))


def _tags(profile: bytes) -> dict[bytes, bytes]:
    """Return the tags by name. A table that cannot be read has none."""
    count = int.from_bytes(profile[_HEADER : _HEADER + 4], "big")
    end = _HEADER + 4 + _ENTRY * count
    if not 0 < count <= 200 or end > len(profile):
        return {}
    entries = struct.iter_unpack(">4sII", profile[_HEADER + 4 : end])
    return {name: profile[at : at + size] for name, at, size in entries}


def _profile(space: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags = {b"wtpt": _xyz(_D50), **tags}
    at, table, bodies = _HEADER + 4 + _ENTRY * len(tags), b"", b""
    for name, body in tags.items():
        table += struct.pack(">4sII", name, at + len(bodies), len(body))
        bodies += body.ljust(-(-len(body) // 4) * 4, b"\0")
    head = struct.pack(
        ">I4sI4s4s4s12x4s4xII8xI3i",
        at + len(bodies),
        b"\0\0\0\0",
        0x04200000,
        b"mntr",
        space,
        b"XYZ ",
        b"acsp",
        0,
        0,
        0,
        *(round(65536 * value) for value in _D50),
    )
    return head.ljust(_HEADER, b"\0") + struct.pack(">I", len(tags)) + table + bodies


def _xyz(values: tuple[float, ...]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(65536 * value) for value in values))


def _colorants(chromaticities: Chromaticities) -> Matrix:
    """Return the matrix from linear RGB to XYZ, with the white adapted to D50 (Bradford)."""
    white, *primaries = [
        (x / y, 1.0, (1 - x - y) / y)
        for x, y in zip(chromaticities[::2], chromaticities[1::2], strict=True)
    ]
    columns: Matrix = tuple(zip(*primaries, strict=True))
    scale = _apply(_inverse(columns), white)
    matrix = tuple(tuple(v * s for v, s in zip(row, scale, strict=True)) for row in columns)
    have, want = _apply(_BRADFORD, white), _apply(_BRADFORD, _D50)
    gains = tuple(w / h for w, h in zip(want, have, strict=True))
    cones = _product(_BRADFORD, matrix)
    adapted = tuple(tuple(g * v for v in row) for g, row in zip(gains, cones, strict=True))
    return _product(_inverse(_BRADFORD), adapted)


def _apply(matrix: Matrix, vector: tuple[float, ...]) -> tuple[float, ...]:
    return tuple(sum(m * v for m, v in zip(row, vector, strict=True)) for row in matrix)


def _product(a: Matrix, b: Matrix) -> Matrix:
    return tuple(zip(*(_apply(a, column) for column in zip(*b, strict=True)), strict=True))


def _inverse(m: Matrix) -> Matrix:
    """Return the inverse of 3 × 3 numbers, by the adjugate. Raises ZeroDivisionError."""
    cofactors = [
        [
            m[(i + 1) % 3][(j + 1) % 3] * m[(i + 2) % 3][(j + 2) % 3]
            - m[(i + 1) % 3][(j + 2) % 3] * m[(i + 2) % 3][(j + 1) % 3]
            for i in range(3)
        ]
        for j in range(3)
    ]
    determinant = sum(m[0][i] * cofactors[i][0] for i in range(3))
    return tuple(tuple(value / determinant for value in row) for row in cofactors)
