"""Why a model could not be had."""


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
