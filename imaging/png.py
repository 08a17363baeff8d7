"""The chunks of a PNG, sorted before Pillow sees them (ISO/IEC 15948, PNG 3rd edition).

Pillow refuses a PNG for a damaged chunk that no pixel depends on. Texts, which may unpack to
gigabytes, are left out unread.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from imaging.errors import ImageRefused

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Chunks about colours count before these only (11.3.2 and 5.6).
_AFTER_COLOUR = frozenset({b"PLTE", b"IDAT"})
_COLOUR = frozenset({b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM"})
_LEAST_LENGTH = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
# They change pixels, so that a damaged one is not left out.
_OF_PIXELS = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_XMP = b"XML:com.adobe.xmp\0\0"
_MOST_PROFILE_BYTES = 1 << 23
_MOST_CHUNKS = 100_000
# The length of IHDR, and where the chunk says bits per sample and kind of colour.
_HEADER_BYTES, _DEPTH, _COLOUR_TYPE = 13, 16, 17


@dataclass(frozen=True)
class Chunks:
    """A PNG without what is not needed for its pixels, and the sound chunks about its colours."""

    image: bytes
    colour: dict[bytes, bytes]
    damaged: bool
    """Whether a chunk of metadata was damaged, and left out."""

    def profile(self) -> bytes | None:
        """Return the ICC profile, empty if it is damaged, None if there is none."""
        if b"iCCP" not in self.colour:
            return None
        _, _, packed = self.colour[b"iCCP"].partition(b"\0")
        try:
            unpacker = zlib.decompressobj()
            profile = unpacker.decompress(packed[1:], _MOST_PROFILE_BYTES)
        except zlib.error:
            return b""
        return profile if unpacker.eof and packed[:1] == b"\0" else b""


def split(data: bytes) -> Chunks | None:
    """Sort the chunks of a PNG; return None for any other file. Raises ImageRefused."""
    if not data.startswith(_SIGNATURE):
        return None
    kept, colour, once = [_SIGNATURE], dict[bytes, bytes](), {b"eXIf", b"iTXt"}
    damaged = late = False
    for name, whole in _bounded(_chunks(data)):
        late = late or name in _AFTER_COLOUR
        if _belongs_to_the_pixels(name):
            kept.append(whole)
        elif not _is_sound(name, whole) or (name in _COLOUR and late):
            damaged = True
        elif name in _COLOUR:
            colour.setdefault(name, whole[8:-4])
        elif name in once and (name == b"eXIf" or whole[8:].startswith(_XMP)):
            once.remove(name)
            kept.append(whole)
    return Chunks(b"".join(kept), colour, damaged)


def as_rgba_of_8_bits(data: bytes) -> bytes:
    """Return a PNG with other words in its header, so that it is read as red to alpha of 8 bits."""
    start, end = len(_SIGNATURE), len(_SIGNATURE) + 12 + _HEADER_BYTES
    head = bytearray(data[start : end - 4])
    head[_DEPTH], head[_COLOUR_TYPE] = 8, 6
    return data[:start] + head + zlib.crc32(head[4:]).to_bytes(4, "big") + data[end:]


def _bounded(chunks: Iterator[tuple[bytes, bytes]]) -> Iterator[tuple[bytes, bytes]]:
    for count, chunk in enumerate(chunks):
        if count >= _MOST_CHUNKS:
            raise ImageRefused(
                "too_expensive", f"The PNG has more than {_MOST_CHUNKS:,} chunks. Save it again."
            )
        yield chunk


def _chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield name and bytes of each chunk. What cannot be divided is yielded whole, as critical."""
    at = len(_SIGNATURE)
    while at < len(data):
        length, name = struct.unpack(">I4s", data[at : at + 8].ljust(8, b"\0"))
        end = at + 12 + length
        if end > len(data) or not name.isalpha():
            yield b"IDAT", data[at:]
            return
        yield name, data[at:end]
        if name == b"IEND":
            return
        at = end


def _belongs_to_the_pixels(name: bytes) -> bool:
    return name[:1].isupper() or name in _OF_PIXELS


def _is_sound(name: bytes, whole: bytes) -> bool:
    long_enough = len(whole) - 12 >= _LEAST_LENGTH.get(name, 0)
    return long_enough and zlib.crc32(whole[4:-4]) == int.from_bytes(whole[-4:], "big")
