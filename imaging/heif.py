"""HEIC and AVIF: which of the two a file is, whether it can be decoded, and its colour codes.

Both are ISO base media files (ISO/IEC 14496-12, 23008-12): boxes of a length, a type and a body.
"""

import re

from PIL import Image

from imaging.errors import ImageRefused

try:
    from pi_heif.as_plugin import register_heif_opener
except ImportError:
    INSTALLED = False
else:
    register_heif_opener(thumbnails=False, depth_images=False, aux_images=False)
    INSTALLED = True

_HEVC = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"hevm", b"hevs"})
_EXIF_ITEM = re.compile(rb"(infe\x02...)(....)Exif", re.DOTALL)
_COLOUR_CODES = b"colrnclx"


def check_installed(data: bytes) -> None:
    """Raise ImageRefused, with what to install, if the file is HEIC and there is no decoder."""
    if not INSTALLED and _HEVC & set(_brands(data)):
        raise ImageRefused(
            "heic_not_installed",
            "The image is HEIC, and no decoder of HEIC is installed here. Install the extra `heic` "
            "(pip install pi-heif-decoder) for the API and the workers, or send a JPEG.",
        )


def without_exif(data: bytes) -> bytes:
    """Hide the EXIF item of an AVIF or HEIC: the container's own rotation is the one that counts.

    Pillow refuses an AVIF whose EXIF is damaged. (MIAF, ISO/IEC 23000-22, 7.3.6.8: readers ignore
    EXIF's orientation.)
    """
    return _EXIF_ITEM.sub(rb"\1\2xxxx", data) if data[4:8] == b"ftyp" else data


def colour_codes(image: Image.Image, data: bytes) -> tuple[int, int] | None:
    """Return colour primaries and transfer characteristics (ITU-T H.273), None if not stated."""
    if image.format == "HEIF":
        stated = image.info.get("nclx_profile")
        if not stated:
            return None
        return int(stated["color_primaries"]), int(stated["transfer_characteristics"])
    at = data.find(_COLOUR_CODES) if image.format == "AVIF" else -1
    if at < 0:
        return None
    body = data[at + len(_COLOUR_CODES) :][:4]
    return int.from_bytes(body[:2], "big"), int.from_bytes(body[2:4], "big")


def _brands(data: bytes) -> list[bytes]:
    if data[4:8] != b"ftyp":
        return []
    end = min(int.from_bytes(data[:4], "big"), 256)
    return [data[8:12], *(data[at : at + 4] for at in range(16, end, 4))]
