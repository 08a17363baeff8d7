"""Transparent pixels: by an alpha channel, a palette, or one colour that stands for none."""

from PIL import Image, ImageChops

from imaging.errors import ImageRefused
from imaging.steps import Step

_SCALE = {"L;2": 85, "L;4": 17}
"""What Pillow multiplies the samples of a PNG by, but not the sample that stands for none."""


def mode_of_8_bits(image: Image.Image) -> str:
    """Return the mode that `with_alpha` gives an image: L, LA, RGB, RGBA, CMYK or LAB."""
    if image.mode in ("CMYK", "LAB"):
        return image.mode
    kind = "L" if image.mode in ("1", "L", "LA", "La") else "RGB"
    return kind + "A" if image.has_transparency_data else kind


def with_alpha(image: Image.Image, raw_mode: str) -> Image.Image:
    """Return a loaded image of at most 8 bits per sample in the mode of `mode_of_8_bits`."""
    mode, key = mode_of_8_bits(image), image.info.get("transparency")
    if mode == image.mode:
        return image
    if image.mode in ("1", "L") and isinstance(key, int):
        gray = image.convert("L")
        opacity = opacity_by_key([gray], (key * _SCALE.get(raw_mode, 1) & 255,))
        return Image.merge("LA", (gray, opacity))
    return image.convert(mode)


def opacity_by_key(bands: list[Image.Image], keys: tuple[int, ...]) -> Image.Image:
    """Return 0 where every band has its key, and 255 elsewhere."""
    different = Image.new("L", bands[0].size)
    for band, key in zip(bands, keys, strict=True):
        table = [255 * (value != key) for value in range(256 if band.mode == "L" else 65536)]
        here = band if band.mode == "L" else band.convert("I")
        different = ImageChops.lighter(different, here.point(table, "L"))
    return different


def onto_white(alpha: Image.Image, file_format: str | None) -> Step:
    """Return the step that removes the alpha channel, given that channel. Raises ImageRefused.

    The fourth byte of a BMP is padding where it is 0 everywhere. Another image that is transparent
    everywhere shows nothing.
    """
    if alpha.getextrema() != (0, 0):
        return Step("transparency_on_white", _composite)
    if file_format == "BMP":
        return Step("empty_alpha_ignored", _opaque)
    raise ImageRefused(
        "transparent_image",
        "Every pixel of the image is transparent, so it shows nothing. Save it without its alpha "
        "channel.",
    )


def _composite(image: Image.Image) -> Image.Image:
    layer = image.convert("RGBA")
    white = Image.new("RGBA", layer.size, "white")
    return Image.alpha_composite(white, layer).convert("RGB")


def _opaque(image: Image.Image) -> Image.Image:
    return image.convert("RGB")
