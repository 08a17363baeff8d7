"""Image files of every unusual kind, made here byte by byte or with Pillow."""

import io
import struct
import zlib
from collections.abc import Iterable

from PIL import Image

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_ORIENTATION = 0x0112


def encoded(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    """Return the image as a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def photo(data: bytes, width: int = 300, height: int = 200) -> Image.Image:
    """Return a photograph, scaled down."""
    return Image.open(io.BytesIO(data)).convert("RGB").resize((width, height))


def plain(width: int, height: int, kind: str = "PNG") -> bytes:
    return encoded(Image.new("RGB", (width, height), "teal"), kind)


def png(width: int, height: int, depth: int, color: int, rows: Iterable[bytes]) -> bytes:
    """Return a hand-made PNG from rows without their filter bytes.

    `depth` is in bits, `color` is 0 for grey and 2 for RGB.
    """
    squeeze = zlib.compressobj(1)
    body = b"".join(squeeze.compress(b"\0" + row) for row in rows) + squeeze.flush()
    head = struct.pack(">IIBBBBB", width, height, depth, color, 0, 0, 0)
    return _SIGNATURE + _chunk(b"IHDR", head) + _chunk(b"IDAT", body) + _chunk(b"IEND", b"")


def lying_bomb() -> bytes:
    """Return a header of 20,000 × 20,000 pixels before a few bytes."""
    return png(20_000, 20_000, 8, 2, [b"\0" * 60])


def real_bomb() -> bytes:
    """Return 144 million grey pixels in less than a megabyte."""
    return png(12_000, 12_000, 8, 0, (bytes(12_000) for _ in range(12_000)))


def text_bomb() -> bytes:
    """Return a small image with a compressed comment of 200 MB."""
    squeeze = zlib.compressobj(9)
    text = b"".join(squeeze.compress(bytes(1 << 20)) for _ in range(200)) + squeeze.flush()
    honest = plain(60, 40)
    cut = honest.index(b"IDAT") - 4
    return honest[:cut] + _chunk(b"zTXt", b"Comment\0\0" + text) + honest[cut:]


def deep_colour(image: Image.Image) -> bytes:
    """Return a PNG with 16 bits for each of red, green and blue."""
    width, height = image.size
    pixels = image.tobytes()
    wide = bytes(byte for value in pixels for byte in (value, value))
    rows = [wide[start : start + 6 * width] for start in range(0, len(wide), 6 * width)]
    return png(width, height, 16, 2, rows)


def deep_grey(image: Image.Image) -> bytes:
    """Return a PNG with 16 bits of grey."""
    width, height = image.size
    wide = bytes(byte for value in image.convert("L").tobytes() for byte in (value, value))
    return png(
        width,
        height,
        16,
        0,
        [wide[start : start + 2 * width] for start in range(0, len(wide), 2 * width)],
    )


def moving(kind: str, frames: int = 3) -> bytes:
    """Return an animation: GIF, WEBP, PNG (an APNG) or TIFF (pages)."""
    first, *others = [Image.new("RGB", (60, 40), (80 * i, 40, 200)) for i in range(frames)]
    return encoded(first, kind, save_all=True, append_images=others)


def turned(image: Image.Image, orientation: int) -> bytes:
    """Return a JPEG that asks the viewer to rotate it."""
    exif = Image.Exif()
    exif[_ORIENTATION] = orientation
    return encoded(image, "JPEG", exif=exif, quality=95)


def palette_with_hole(image: Image.Image) -> bytes:
    """Return a palette PNG with one transparent colour."""
    return encoded(image.quantize(64), "PNG", transparency=3)


def tiff(pages: int, *, last_is_empty: bool = False) -> bytes:
    """Return a TIFF of that many tiny grey pages, or with an empty directory as its last page."""
    fields = [
        (256, 4, 8),
        (257, 4, 8),
        (258, 3, 8),
        (259, 3, 1),
        (262, 3, 1),
        (273, 4, 8),
        (277, 3, 1),
        (279, 4, 64),
    ]
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in fields)
    directory = struct.pack("<H", len(fields)) + entries
    size = len(directory) + 4
    starts = [8 + 64 + size * page for page in range(1, pages)] + [0]
    data = b"II*\0" + struct.pack("<I", 8 + 64) + bytes(64)
    whole = [directory + struct.pack("<I", start) for start in starts]
    if last_is_empty:
        whole[-1] = bytes(6)
    return data + b"".join(whole)


def _chunk(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
