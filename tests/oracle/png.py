"""PNG files as the oracle sees them: pixels and chunks, without the text chunks."""

import hashlib
import io
import struct
from collections.abc import Iterator

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")


def chunks(data: bytes) -> list[tuple[bytes, bytes]]:
    """Kind and content of each chunk but those of texts. Raises ValueError for what is no PNG."""
    if not data.startswith(_SIGNATURE):
        raise ValueError("This is no PNG file.")
    return [chunk for chunk in _all_chunks(data) if chunk[0] not in _TEXTS]


def decoded(data: bytes) -> Image.Image:
    """The picture, read whole."""
    with Image.open(io.BytesIO(data)) as picture:
        picture.load()
        return picture.copy()


def pixels_sha256(picture: Image.Image) -> str:
    """Of mode, size and pixels."""
    told = f"{picture.mode} {picture.width}x{picture.height}\n".encode()
    return hashlib.sha256(told + picture.tobytes()).hexdigest()


def _all_chunks(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = len(_SIGNATURE)
    while at < len(data):
        (length,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at + 8 : at + 8 + length]
        at += length + 12
