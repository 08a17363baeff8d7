"""Checks of an uploaded array in NumPy's format, in plain Python.

The format is that of numpy.lib.format (NEP 1): magic string, version, header length, header,
values. The header is parsed as a literal and never run as code.
"""

import ast
import struct
from collections.abc import Iterator
from math import isfinite, prod

from jobs.settings import Settings
from jobs.uploads import ArrayFacts
from service.problems import Problem

MAGIC = b"\x93NUMPY"
"""The first bytes of every .npy file."""

# The struct format of the header length, by the format's version.
_LENGTHS = {1: "<H", 2: "<I", 3: "<I"}
# The limit of NumPy itself.
_MOST_HEADER = 10_000
_MOST_AXES = 8
_TYPES = {"f2": ("float16", "e"), "f4": ("float32", "f"), "f8": ("float64", "d")}
_CHUNK = 1 << 16


def validate_array(data: bytes, settings: Settings) -> ArrayFacts:
    """Return shape and type of a complete file of finite numbers. Raises Problem."""
    if not data.startswith(MAGIC):
        raise Problem(
            "not_an_array",
            "Send a .npy file, as numpy.save writes it: numpy.save('features.npy', array).",
        )
    header, start = _header(data)
    order, code = _type(header["descr"])
    shape = _shape(header["shape"])
    if prod(shape) > settings.max_array_values:
        raise Problem(
            "array_too_large",
            f"The array of shape {list(shape)} has {prod(shape):,} numbers; "
            f"the limit is {settings.max_array_values:,}.",
        )
    name, letter = _TYPES[code]
    _check_values(data, start, order, letter, prod(shape))
    return ArrayFacts(shape=list(shape), dtype=name)


def read_array(data: bytes) -> tuple[tuple[int, ...], list[float]]:
    """Return the shape and the numbers of a file, in the order of the file. Raises Problem."""
    header, start = _header(data)
    order, code = _type(header["descr"])
    shape = _shape(header["shape"])
    chunks = _chunks(data, start, order, _TYPES[code][1], prod(shape))
    return shape, [value for values in chunks for value in values]


def _header(data: bytes) -> tuple[dict[str, object], int]:
    """Return the header, and the offset of the values."""
    kind = _LENGTHS.get(data[6]) if len(data) > 7 else None
    if kind is None:
        raise _broken("Its format version is not 1.0, 2.0 or 3.0.")
    begin = 8 + struct.calcsize(kind)
    if len(data) < begin:
        raise _broken("It ends within its header.")
    (length,) = struct.unpack_from(kind, data, 8)
    if length > _MOST_HEADER or len(data) < begin + length:
        raise _broken("Its header is incomplete, or longer than that of any array of numbers.")
    try:
        header = ast.literal_eval(data[begin : begin + length].decode("utf-8").strip())
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError):
        raise _broken("Its header is not a literal.") from None
    if not isinstance(header, dict) or set(header) != {"descr", "fortran_order", "shape"}:
        raise _broken("Its header must have descr, fortran_order and shape.")
    if not isinstance(header["fortran_order"], bool):
        raise _broken("Its header's fortran_order must be True or False.")
    return header, begin + length


def _type(descr: object) -> tuple[str, str]:
    """Return byte order and type, such as (`<`, `f4`)."""
    if isinstance(descr, str) and descr[:1] in ("<", ">") and descr[1:] in _TYPES:
        return descr[0], descr[1:]
    raise Problem(
        "not_an_array",
        f"The values are {str(descr)[:40]!r}. Send float32, float64 or float16 numbers.",
    )


def _shape(shape: object) -> tuple[int, ...]:
    if not isinstance(shape, tuple) or not 0 < len(shape) <= _MOST_AXES:
        raise _broken(f"Its shape must have 1 to {_MOST_AXES} axes.")
    if not all(type(size) is int and 0 < size < 1 << 32 for size in shape):
        raise _broken("Its axes must have at least one entry each.")
    return shape


def _check_values(data: bytes, start: int, order: str, letter: str, count: int) -> None:
    wanted, found = count * struct.calcsize(order + letter), len(data) - start
    if wanted != found:
        raise _broken(
            f"Its shape needs {wanted:,} bytes of numbers, and the file has {found:,}. "
            "Was the upload cut off?"
        )
    chunks = _chunks(data, start, order, letter, count)
    if not all(all(map(isfinite, values)) for values in chunks):
        raise _broken("It contains NaN or infinity.")


def _chunks(
    data: bytes, start: int, order: str, letter: str, count: int
) -> Iterator[tuple[float, ...]]:
    size = struct.calcsize(order + letter)
    for first in range(0, count, _CHUNK):
        yield struct.unpack_from(
            f"{order}{min(_CHUNK, count - first)}{letter}", data, start + first * size
        )


def _broken(detail: str) -> Problem:
    return Problem("broken_array", detail)
