"""What a technique cannot do with a model, as far as the model's entry tells."""

from collections.abc import Sequence

from catalog.errors import NoProbability, UnsupportedModel, WrongChannels, WrongShape
from catalog.model_entry import ModelEntry
from catalog.technique import Technique

# The longer side of an array is at most this many times the shorter one, as for images.
MOST_NARROW = 100
# Values of an array once it is resized to the model's input.
MOST_RESIZED = 1 << 27


def check_support(technique: Technique, model: ModelEntry, pointer: str = "/model") -> None:
    """Refuse a model whose channels, outputs or head the technique does not work with.

    `pointer` is the JSON pointer of the parameter that names the model. Raises UnsupportedModel.
    """
    channels = model.preprocessing.channels
    if not model.preprocessing.takes_photographs and not technique.sees_bands:
        raise UnsupportedModel(
            f"{technique.title} works with photographs, and model {model.name!r} sees {channels} "
            "channels. Choose a model of 3 channels (colour) or 1 (grey).",
            pointer,
        )
    if model.dense and not technique.dense:
        raise UnsupportedModel(
            f"{technique.title} needs one score for each class, and model {model.name!r} has "
            "scores at each place (dense). Choose a model that classifies whole images.",
            pointer,
        )
    if model.head == "raw" and technique.needs_probability:
        raise NoProbability(
            f"{technique.title} needs the probability of a class, and the entry of model "
            f'{model.name!r} says that it has none (head = "raw").',
            pointer,
        )


def check_photograph(model: ModelEntry, name: str) -> None:
    """Refuse a photograph for a model that does not see colour or grey. Raises WrongChannels."""
    channels = model.preprocessing.channels
    if not model.preprocessing.takes_photographs:
        raise WrongChannels(
            name,
            f"Model {model.name!r} sees {channels} channels, which a photograph does not have. "
            f"Send an array of shape [{channels}, H, W] as a .npy file, in the units of the "
            f"entry's mean and std: -F {name}=@bands.npy.",
        )


def check_bands(model: ModelEntry, name: str, shape: Sequence[int]) -> None:
    """Refuse an array that is not of the model's own channels. Raises WrongShape or WrongChannels.

    The shape is (C, H, W); what is resized is bounded as for photographs.
    """
    channels = model.preprocessing.channels
    if len(shape) != 3 or shape[0] != channels:
        detail = (
            f"The array {name!r} has the shape {list(shape)}, but model {model.name!r} sees "
            f"[{channels}, H, W]."
        )
        last = len(shape) == 3 and shape[2] == channels
        raise WrongShape(
            f"{detail} Move the channels to the front: array.transpose(2, 0, 1)."
            if last
            else detail
        )
    height, width = shape[1:]
    ratio = max(height, width) / min(height, width)
    most = min(MOST_NARROW, MOST_RESIZED / (channels * model.preprocessing.resize**2))
    if ratio > max(1, most):
        raise WrongShape(
            f"The array {name!r} is {width} × {height}; the longer side may be at most "
            f"{max(1, most):.3g} times the shorter one. Crop it."
        )
