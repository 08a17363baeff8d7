"""Errors of the catalog: every refusal of a request, with a `code` of catalog/problems.py.

The detail of an error is a sentence that says what to change. A client's text has any length, and
only its beginning is compared or repeated.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches

# Characters of a client's text, and of a whole detail, that an error has at most.
MOST_SHOWN, MOST_DETAIL = 200, 2000


def shown(text: str, most: int = MOST_SHOWN) -> str:
    """Return the text, or its beginning with `…` if it has more than `most` characters."""
    return text if len(text) <= most else f"{text[:most]}…"


@dataclass(frozen=True)
class Violation:
    """A wrong parameter: a JSON pointer into the request, and what to do about it."""

    pointer: str
    message: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "pointer", shown(self.pointer))
        object.__setattr__(self, "message", shown(self.message, MOST_DETAIL))


class CatalogError(Exception):
    """A request that the catalog cannot accept."""

    code = "invalid_request"

    def __init__(self, detail: str, errors: Iterable[Violation] = ()) -> None:
        super().__init__(detail)
        self.detail = shown(detail, MOST_DETAIL)
        self.errors = list(errors)


class InvalidParameters(CatalogError):
    code = "invalid_parameters"


class UnknownTechnique(CatalogError):
    code = "unknown_technique"


class UnknownModel(CatalogError):
    code = "unknown_model"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, [Violation("/model", detail)])


class BrokenModelFile(CatalogError):
    """The file of custom models cannot be used. The detail names file, model and field."""

    code = "broken_model_file"


class InvalidTarget(CatalogError):
    code = "invalid_target"

    def __init__(self, detail: str, pointer: str = "/target") -> None:
        super().__init__(detail, [Violation(pointer, detail)])


class UnknownLayer(InvalidTarget):
    code = "unknown_layer"


class LayerWithoutMap(InvalidTarget):
    code = "layer_without_map"


class UnknownChannel(InvalidTarget):
    code = "unknown_channel"


class UnknownPosition(InvalidTarget):
    code = "unknown_position"


class NoGradient(InvalidTarget):
    code = "no_gradient"


class UnknownClass(InvalidTarget):
    code = "unknown_class"


class UnsupportedModel(CatalogError):
    """The technique does not work with the inputs or the outputs of the model."""

    code = "unsupported_model"

    def __init__(self, detail: str, pointer: str = "/model") -> None:
        super().__init__(detail, [Violation(pointer, detail)])


class NoProbability(UnsupportedModel):
    """The technique needs a probability, and the model's entry says that there is none."""

    code = "no_probability"


class WrongChannels(CatalogError):
    """The image does not have the channels that the model sees."""

    code = "wrong_channels"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail, [Violation(f"/{name}", detail)])


class AmbiguousClass(InvalidTarget):
    """The text may mean several classes, such as the index of one and the label of another."""

    code = "ambiguous_class"


class ImageMissing(CatalogError):
    code = "image_missing"

    def __init__(self, name: str, detail: str) -> None:
        super().__init__(detail, [Violation(f"/{name}", "missing")])


class OneSize(CatalogError):
    """A layer takes images of the model's own size only, and another size was asked for."""

    code = "one_size_only"


class WrongShape(CatalogError):
    code = "wrong_shape"


class TooExpensive(CatalogError):
    code = "too_expensive"


def near_matches(word: str, known: Iterable[str]) -> str:
    """Return ` Did you mean …?` with the closest known names, or an empty text.

    A long word is not compared: no name is near it, and the time would grow with its length.
    """
    if len(word) > MOST_SHOWN:
        return ""
    close = get_close_matches(word, list(known), n=3, cutoff=0.5)
    return f" Did you mean {' or '.join(map(repr, close))}?" if close else ""
