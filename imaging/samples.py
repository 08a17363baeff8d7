"""The samples of a loaded image become 8 bits: L, LA, RGB, RGBA, CMYK or LAB."""

from dataclasses import dataclass
from functools import partial

from PIL import Image, ImageChops

from imaging import deep, numbers, transparency
from imaging.formats import OpenFile
from imaging.header import Header
from imaging.icc import separable_curves, with_srgb_curves
from imaging.steps import Step

_NAMES = {
    "1": "bilevel_to_rgb",
    "L": "gray_to_rgb",
    "LA": "gray_to_rgb",
    "La": "gray_to_rgb",
    "P": "palette_to_rgb",
    "PA": "palette_to_rgb",
    "CMYK": "cmyk_to_rgb",
    "YCbCr": "ycbcr_to_rgb",
    "LAB": "lab_to_rgb",
    "HSV": "hsv_to_rgb",
}
_DEEP = "16bit_to_8bit"


@dataclass(frozen=True)
class Samples:
    """The steps to 8 bits, the mode after them, and the profile of the values that they leave.

    `opacity` is the alpha channel, None where every pixel is opaque.
    """

    steps: list[Step]
    mode: str
    profile: bytes | None
    opacity: Image.Image | None = None


def mode_of_samples(image: Image.Image, header: Header) -> str:
    """Return the mode of a loaded image after `to_8_bits`, alpha by a colour left aside."""
    if image.mode == "F" or image.mode.startswith("I"):
        return "L"
    return "LA" if header.raw_mode.startswith("LA;16") else transparency.mode_of_8_bits(image)


def to_8_bits(file: OpenFile, header: Header, turned: int, profile: bytes | None) -> Samples:
    """Return how the samples become 8 bits. Raises ImageRefused.

    `profile` is None for sRGB. 16 bits go through the profile's tone curve before they are rounded
    to 8, for dark levels of linear light would be lost.
    """
    mode = file.image.mode
    if mode.startswith("I;"):
        return _deep_gray(file.image, header, profile)
    if mode in ("I", "F"):
        return Samples(numbers.to_gray(file.image, header.white_is_zero), "L", profile)
    if header.raw_mode.startswith("LA;16"):
        return _deep_gray_with_alpha(file, turned, profile)
    if header.deep and deep.has_low_bytes(header.raw_mode):
        return _deep_colour(file, turned, profile)
    return _shallow(file.image, header, profile)


def _deep_gray(image: Image.Image, header: Header, profile: bytes | None) -> Samples:
    curves = separable_curves(profile, 1) if profile else None
    table = deep.levels(header.white, header.white_is_zero, curves[0] if curves else None)
    rest = with_srgb_curves(profile) if profile and curves else profile
    key = image.info.get("transparency")
    if not isinstance(key, int):
        return Samples([Step(_DEEP, partial(deep.gray_to_8, table=table))], "L", rest)
    step = Step(_DEEP, partial(_gray_with_key, table=table, key=key))
    return Samples([step], "LA", rest, transparency.opacity_by_key([image], (key,)))


def _gray_with_key(image: Image.Image, table: tuple[int, ...], key: int) -> Image.Image:
    opacity = transparency.opacity_by_key([image], (key,))
    return Image.merge("LA", (deep.gray_to_8(image, table), opacity))


def _deep_gray_with_alpha(file: OpenFile, turned: int, profile: bytes | None) -> Samples:
    curves = separable_curves(profile, 1) if profile else None
    table = deep.levels(65535, False, curves[0] if curves else None)
    rest = with_srgb_curves(profile) if profile and curves else profile
    convert = partial(deep.gray_with_alpha, data=file.data, stated=turned, table=table)
    return Samples([Step(_DEEP, convert)], "LA", rest, file.image.getchannel("A"))


def _deep_colour(file: OpenFile, turned: int, profile: bytes | None) -> Samples:
    image = file.image
    curves = separable_curves(profile, 3) if profile and image.mode != "CMYK" else None
    rest = with_srgb_curves(profile) if profile and curves else profile
    even = deep.levels(65535, False, None)
    of_bands = [deep.levels(65535, False, curve) for curve in curves] if curves else [even] * 3
    tables = [*of_bands, even][: len(image.getbands())]
    steps = [Step(_DEEP, partial(_colour_to_8, file=file, turned=turned, tables=tables))]
    if image.mode == "CMYK":
        return Samples([*steps, Step(_NAMES["CMYK"])], "CMYK", rest)
    if image.mode == "RGBA":
        return Samples(steps, "RGBA", rest, image.getchannel("A"))
    if "transparency" in image.info:
        opacity = _opacity(image, deep.low_bytes(file, 1), image.info["transparency"])
        return Samples(steps, "RGBA", rest, opacity)
    return Samples(steps, "RGB", rest)


def _colour_to_8(
    image: Image.Image, file: OpenFile, turned: int, tables: list[tuple[int, ...]]
) -> Image.Image:
    low = deep.low_bytes(file, turned)
    eight = deep.colour_to_8(image, low, tables)
    if "transparency" in image.info:
        eight.putalpha(_opacity(image, low, image.info["transparency"]))
    return eight


def _opacity(high: Image.Image, low: Image.Image, key: tuple[int, ...]) -> Image.Image:
    keys = (*(value >> 8 for value in key), *(value & 255 for value in key))
    return transparency.opacity_by_key([*high.split(), *low.split()], keys)


def _shallow(image: Image.Image, header: Header, profile: bytes | None) -> Samples:
    steps = [Step(_DEEP)] if header.deep else []
    if image.mode in _NAMES:
        steps.append(Step(_NAMES[image.mode]))
    if _is_plain_cmyk(image):
        steps.append(Step(None, ImageChops.invert))
    mode = transparency.mode_of_8_bits(image)
    if mode != image.mode:
        steps.append(Step(None, partial(transparency.with_alpha, raw_mode=header.raw_mode)))
    if not mode.endswith("A"):
        return Samples(steps, mode, profile)
    opacity = transparency.with_alpha(image, header.raw_mode).getchannel("A")
    return Samples(steps, mode, profile, opacity)


def _is_plain_cmyk(image: Image.Image) -> bool:
    """Return whether a JPEG's inks are stored as they are. Pillow takes all for Adobe's inverse."""
    return image.mode == "CMYK" and image.format == "JPEG" and "adobe" not in image.info
