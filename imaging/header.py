"""What the header of an opened image says of its samples; decoding forgets some of it."""

from dataclasses import dataclass

from PIL import Image

from imaging import deep
from imaging.errors import ImageRefused
from imaging.orientation import ORIENTATION

_BITS, _PHOTOMETRIC, _SAMPLE_FORMAT = 258, 262, 339
_WHITE_IS_ZERO, _SIGNED = 0, 2


@dataclass(frozen=True)
class Header:
    """`raw_mode` is how samples are stored, in Pillow's words; `white` the largest sample."""

    raw_mode: str
    white: int = 65535
    white_is_zero: bool = False
    orientation: object = 1
    """The tag of a TIFF, or what its XMP says without one."""

    @property
    def deep(self) -> bool:
        """Whether samples have 16 bits, or 12."""
        return ";16" in self.raw_mode or ";12" in self.raw_mode

    @classmethod
    def of(cls, image: Image.Image) -> "Header":
        """Return the header of an image that is not yet loaded. Raises ImageRefused."""
        tiles = getattr(image, "tile", ())
        raw_mode = deep.raw_mode(tiles[0].args) if tiles else ""
        tags = getattr(image, "tag_v2", None)
        if tags is None:
            return cls(raw_mode)
        bits = tags.get(_BITS, (1,))[0]
        if _SIGNED in tags.get(_SAMPLE_FORMAT, ()) and bits == 8:
            raise ImageRefused(
                "unknown_range",
                "The samples of the image have a sign, and the file does not say which is white. "
                "Save it with 8 or 16 bits without a sign.",
            )
        stated = image.getexif().get(ORIENTATION, 1)
        inverted = tags.get(_PHOTOMETRIC) == _WHITE_IS_ZERO
        return cls(raw_mode, 4095 if bits == 12 else 65535, inverted, stated)
