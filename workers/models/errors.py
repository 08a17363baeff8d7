"""Why a model could not be had."""

import re

_FOLDERS = re.compile(r"/(?:[^\s/'\":]+/)+")


class ModelError(Exception):
    """Root of what can go wrong with a model."""

    code = "model_failed"
    title = "The model could not be loaded"
    retryable = False


class WeightsUnavailable(ModelError):
    code = "weights_unavailable"
    title = "The model's weights cannot be fetched"
    retryable = True


class WeightsRefused(ModelError):
    code = "weights_refused"
    title = "The weights hold more than tensors"


class WeightsMismatch(ModelError):
    code = "weights_mismatch"
    title = "The weights do not fit the model"


class WeightsDamaged(ModelError):
    code = "weights_damaged"
    title = "The weights cannot be read"


class BuilderFailed(ModelError):
    code = "builder_failed"
    title = "The model's builder does not work"


class WrongOutput(ModelError):
    code = "wrong_output"
    title = "The model does not answer as its entry says"


def first_line(error: Exception) -> str:
    """What foreign code says of its failure, without the server's folders: clients read it."""
    return _FOLDERS.sub("…/", str(error).strip().partition("\n")[0])[:300]


class UnknownRecommended(ModelError):
    code = "unknown_recommended_layer"
    title = "A recommended layer is not in the model"
