"""Errors of building and loading a model, with the code and title that clients read."""

import re

_FOLDERS = re.compile(r"/(?:[^\s/'\":]+/)+")


class ModelError(Exception):
    """The root of all errors of a model."""

    code = "model_failed"
    title = "The model could not be loaded"
    retryable = False


class WeightsUnavailable(ModelError):
    """The weights are neither cached nor can they be downloaded. A later attempt may succeed."""

    code = "weights_unavailable"
    title = "The model's weights are unavailable"
    retryable = True


class WeightsRefused(ModelError):
    """The weights file contains pickled code, which is never run."""

    code = "weights_refused"
    title = "The weights file contains more than tensors"


class WeightsMismatch(ModelError):
    """Names or shapes of the tensors differ from the model's."""

    code = "weights_mismatch"
    title = "The weights do not fit the model"


class WeightsDamaged(ModelError):
    """The weights file is incomplete or has another format."""

    code = "weights_damaged"
    title = "The weights file cannot be read"


class BuilderFailed(ModelError):
    """The builder of a custom model raised an error, or returned no usable module."""

    code = "builder_failed"
    title = "The model's builder failed"


class WrongOutput(ModelError):
    """The model does not accept the images or return the logits that its entry describes."""

    code = "wrong_output"
    title = "The model's output does not match its entry"


class UnknownRecommended(ModelError):
    """The entry of a custom model recommends a layer that the model does not have."""

    code = "unknown_recommended_layer"
    title = "A recommended layer is not in the model"


def first_line(error: Exception) -> str:
    """Return the first line of a foreign error's message, without folders of the server.

    Clients read it.
    """
    return _FOLDERS.sub("…/", str(error).strip().partition("\n")[0])[:300]
