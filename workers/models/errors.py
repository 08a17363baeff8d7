"""Errors of building and loading a model. catalog/problems.py has the titles of their codes."""

import re

_FOLDERS = re.compile(r"/(?:[^\s/'\":]+/)+")


class ModelError(Exception):
    """The root of all errors of a model."""

    code = "model_failed"


class WeightsUnavailable(ModelError):
    """The weights are neither cached nor can they be downloaded. A later attempt may succeed."""

    code = "weights_unavailable"


class WeightsRefused(ModelError):
    """The weights file contains pickled code, which is never run."""

    code = "weights_refused"


class WeightsMismatch(ModelError):
    """Names or shapes of the tensors differ from the model's."""

    code = "weights_mismatch"


class WeightsDamaged(ModelError):
    """The weights file is incomplete or has another format."""

    code = "weights_damaged"


class BuilderFailed(ModelError):
    """The builder of a custom model raised an error, or returned no usable module."""

    code = "builder_failed"


class WrongOutput(ModelError):
    """The model does not accept the images or return the logits that its entry describes."""

    code = "wrong_output"


class UnknownRecommended(ModelError):
    """The entry of a custom model recommends a layer that the model does not have."""

    code = "unknown_recommended_layer"


def first_line(error: Exception) -> str:
    """Return the first line of a foreign error's message, without folders of the server.

    Clients read it.
    """
    return _FOLDERS.sub("…/", str(error).strip().partition("\n")[0])[:300]
