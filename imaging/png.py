"""The chunks of a PNG, sorted before Pillow sees them (ISO/IEC 15948, PNG 3rd edition).

Pillow refuses a PNG for a damaged chunk that no pixel depends on. Texts, which may unpack to
gigabytes, are left out unread.
"""

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOUR = frozenset({b"iCCP", b"cICP", b"sRGB", b"gAMA", b"cHRM"})
_LEAST_LENGTH = {b"cICP": 4, b"sRGB": 1, b"gAMA": 4, b"cHRM": 32}
# They change pixels, so that a damaged one is not left out.
_OF_PIXELS = frozenset({b"tRNS", b"acTL", b"fcTL", b"fdAT"})
_XMP = b"XML:com.adobe.xmp\0\0"
_MOST_PROFILE_BYTES = 1 << 23


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
    """Sort the chunks of a PNG; return None for any other file."""
    if not data.startswith(_SIGNATURE):
        return None
    kept, colour, damaged = [_SIGNATURE], {}, False
    for name, whole in _chunks(data):
        if _belongs_to_the_pixels(name):
            kept.append(whole)
        elif not _is_sound(name, whole):
            damaged = True
        elif name in _COLOUR:
            colour[name] = whole[8:-4]
        elif name == b"eXIf" or (name == b"iTXt" and whole[8:].startswith(_XMP)):
            kept.append(whole)
    return Chunks(b"".join(kept), colour, damaged)


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
