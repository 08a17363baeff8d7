"""The plan of an image's conversion to upright 8-bit RGB, and its execution."""

from dataclasses import dataclass

from PIL import Image

from imaging.colour import to_srgb
from imaging.cut_off import is_cut_off
from imaging.errors import ImageRefused
from imaging.formats import OpenFile, check_still, media_type
from imaging.header import Header
from imaging.orientation import Orientation, read_orientation
from imaging.samples import Samples, mode_of_samples, to_8_bits
from imaging.stated_colour import stated_colour
from imaging.steps import Step, unchanged
from imaging.transparency import onto_white


@dataclass(frozen=True)
class Examined:
    """A decoded image, and the steps that make upright 8-bit RGB of it. `size` is upright."""

    image: Image.Image
    steps: list[Step]
    size: tuple[int, int]
    media_type: str

    @property
    def conversions(self) -> list[str]:
        """The names of the steps, in their order."""
        return [step.name for step in self.steps if step.name]

    def rgb(self) -> Image.Image:
        """Carry the steps out. The result has no metadata of the file, which would be wrong now."""
        image = self.image
        for step in self.steps:
            image = step.convert(image)
        upright = image.convert("RGB")
        upright.info = {}
        return upright


def examine(file: OpenFile) -> Examined:
    """Decode a file and plan its conversion. Raises ImageRefused."""
    try:
        return _examined(file)
    except ImageRefused:
        raise
    except Exception as error:
        # Decoders and readers of metadata raise many kinds of exception for damaged files.
        raise _broken() from error


def _examined(file: OpenFile) -> Examined:
    check_still(file.image)
    if file.jpeg:
        file.jpeg.check_cost(file.image.size)
    header = Header.of(file.image)
    size = file.image.size
    file.image.load()
    # Pillow turns a TIFF while it decodes.
    if sorted(file.image.size) != sorted(size):
        raise ValueError("the size that was checked is not the size of the image")
    if file.jpeg and is_cut_off(file.jpeg, file.image):
        raise _broken()
    orientation = read_orientation(file.image, header.orientation)
    return Examined(
        file.image,
        _plan(file, header, orientation),
        orientation.upright(file.image.size),
        media_type(file.image),
    )


def _broken() -> ImageRefused:
    return ImageRefused(
        "broken_image", "The image cannot be decoded completely. Was the upload cut off?"
    )


def _plan(file: OpenFile, header: Header, orientation: Orientation) -> list[Step]:
    mode = mode_of_samples(file.image, header)
    stated = stated_colour(file, mode in ("L", "LA"))
    convert = to_srgb(stated.profile, mode) if stated.profile else unchanged
    profile = None if convert in (None, unchanged) else stated.profile
    samples = to_8_bits(file, header, orientation.to_turn, profile)
    return [
        *_ignored("metadata", orientation.damaged or bool(file.png and file.png.damaged)),
        *_ignored("profile", stated.damaged or convert is None),
        *orientation.steps,
        *samples.steps,
        *([_colours(samples, stated.name)] if profile else []),
        *([onto_white(samples.opacity, file.image.format)] if samples.opacity else []),
    ]


def _colours(samples: Samples, name: str) -> Step:
    # What is left of a profile after its tone curve was applied may be sRGB's.
    rest = to_srgb(samples.profile, samples.mode) if samples.profile else None
    return Step(name, rest or unchanged)


def _ignored(what: str, damaged: bool) -> list[Step]:
    return [Step(f"{what}_ignored")] if damaged else []
