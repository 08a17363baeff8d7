"""Tags of a TIFF that are read before Pillow reads them all (TIFF 6.0, section 2).

Pillow makes an object of every strip and tile when it opens a file, before its size is known.
"""

import io
import struct
from collections.abc import Iterator

from PIL.TiffImagePlugin import (
    BITSPERSAMPLE,
    PREFIXES,
    SAMPLEFORMAT,
    SAMPLESPERPIXEL,
    STRIPOFFSETS,
    TILEOFFSETS,
    ImageFileDirectory_v2,
)

from imaging.errors import ImageRefused

_MOST_PIECES = 200_000
_KINDS = {1: "whole numbers", 2: "whole numbers with a sign", 3: "floats"}
_BIG = 43
"""The version of a BigTIFF, whose offsets and counts have 8 bytes."""


def check_pieces(data: bytes) -> None:
    """Raise ImageRefused if one of the first two pages has very many strips or tiles."""
    if not data.startswith(tuple(PREFIXES)):
        return
    pieces = sum(count for tag, count in _counts(data) if tag in (STRIPOFFSETS, TILEOFFSETS))
    if pieces > _MOST_PIECES:
        raise ImageRefused(
            "too_expensive",
            f"The TIFF has {pieces:,} strips or tiles, at most {_MOST_PIECES:,} are read. Save it "
            "with larger ones.",
        )


def check_samples(data: bytes) -> None:
    """Raise ImageRefused for a TIFF that Pillow cannot open, if its tags can be read."""
    if not data.startswith(tuple(PREFIXES)):
        return
    try:
        bits, kind, channels = _samples(data)
    except Exception:
        # Pillow's reader of tags raises many kinds of exception for damaged files.
        return
    raise ImageRefused(
        "unsupported_image",
        f"The TIFF has {_KINDS.get(kind, 'numbers')} of {bits} bits in {channels} channels, or is "
        "compressed or laid out in a way that is not read here. Save it with 8 or 16 bits per "
        "sample, or as one channel of 32-bit floats from 0 to 1.",
    )


def _counts(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield each tag of the first two pages with the number of its values."""
    order, big = "<" if data[:1] == b"I" else ">", _BIG in data[2:4]
    entry, number, offset = ("HHQ8s", "Q", "Q") if big else ("HHI4s", "H", "I")
    entry_size, number_size = struct.calcsize(order + entry), struct.calcsize(order + number)
    (at,) = struct.unpack_from(order + offset, data.ljust(16, b"\0"), 8 if big else 4)
    for _ in range(2):
        if not at or at + number_size > len(data):
            return
        count = struct.unpack_from(order + number, data, at)[0]
        start = at + number_size
        end = start + entry_size * min(count, (len(data) - start) // entry_size)
        for tag, _, values, _ in struct.iter_unpack(order + entry, data[start:end]):
            yield tag, values
        following = data[end : end + struct.calcsize(order + offset)]
        if len(following) < struct.calcsize(order + offset):
            return
        (at,) = struct.unpack(order + offset, following)


def _samples(data: bytes) -> tuple[int, int, int]:
    """Return bits, sample format (1 unsigned, 2 signed, 3 float) and samples per pixel."""
    file = io.BytesIO(data)
    tags = ImageFileDirectory_v2(file.read(16 if data[2] == _BIG else 8))
    file.seek(tags.next)
    tags.load(file)
    return (
        int(tags[BITSPERSAMPLE][0]),
        int(tags.get(SAMPLEFORMAT, (1,))[0]),
        int(tags.get(SAMPLESPERPIXEL, 1)),
    )
